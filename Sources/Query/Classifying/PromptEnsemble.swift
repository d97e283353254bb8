#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// How the scores of several templates become one probability for each label.
///
/// Tokens of different sentences cannot be averaged as pooled vectors can; what is averaged are
/// scores, or what becomes of them. The two do not rank alike.
public enum PromptEnsemble: String, Sendable, CaseIterable {
  /// The softmax of the mean scores: `softmax_l(scale · 1/C Σ_c s_cl)` (FILIP, section 3.1).
  case similarity
  /// The mean of the templates' softmaxes: `1/C Σ_c softmax_l(scale · s_cl)` (Huawei's evaluation
  /// code).
  case softmax

  /// The labels' probabilities, which sum to 1.
  /// - Parameters:
  ///   - scores: for each template a score for each label; at least one of both.
  ///   - scale: what scores are multiplied with before they are exponentiated; above 0.
  func probabilities(_ scores: [[Double]], scale: Double) -> [Double] {
    switch self {
    case .similarity: Self.softmax(Self.mean(scores), scale: scale)
    case .softmax: Self.mean(scores.map { Self.softmax($0, scale: scale) })
    }
  }

  /// The mean over the templates.
  static func mean(_ rows: [[Double]]) -> [Double] {
    rows[0].indices.map { label in
      rows.reduce(0) { $0 + $1[label] } / Double(rows.count)
    }
  }

  private static func softmax(_ scores: [Double], scale: Double) -> [Double] {
    let largest = scores.max() ?? 0
    let powers = scores.map { exp(scale * ($0 - largest)) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }
}
