public import FilipLateInteraction

/// FILIP's equations in plain Double arithmetic, nothing shared with the engine.
public func referenceMaxSim(
  text: [[Double]], image: [[Double]], direction: ScoreDirection
) -> Double {
  func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
  func mean(of rows: [[Double]], best others: [[Double]]) -> Double {
    rows.map { row in others.map { dot(row, $0) }.max()! }.reduce(0, +) / Double(rows.count)
  }
  switch direction {
  case .textToImage: return mean(of: text, best: image)
  case .imageToText: return mean(of: image, best: text)
  case .mean: return (mean(of: text, best: image) + mean(of: image, best: text)) / 2
  }
}

/// Rows of `matrix`, as Doubles.
public func rows(_ matrix: TokenMatrix) -> [[Double]] {
  (0..<matrix.tokenCount).map { matrix[$0].map(Double.init) }
}
