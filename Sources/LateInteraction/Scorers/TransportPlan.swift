/// How much of each word goes to each patch when both sides are piles of equal mass and moving costs
/// `1 − similarity` (optimal transport).
package struct TransportPlan: Sendable, Equatable {
  /// `(words, patches)`, row-major; the entries add up to 1.
  package let flows: [Double]

  /// The inexact proximal point method (IPOT; Xie et al., UAI 2019), as ViLT's word-patch alignment
  /// uses it. Every word sends exactly `1/words`; every patch receives nearly `1/patches`.
  /// - Parameters:
  ///   - proximity: β of the paper; 0.5 there.
  ///   - iterationCount: 50 there.
  /// - Precondition: there are words and patches, `proximity` is at least 0.1.
  /// - Complexity: iterations × words × patches.
  package init(ipot all: ExactSimilarities, proximity: Double = 0.5, iterationCount: Int = 50) {
    precondition(all.wordCount > 0 && all.patchCount > 0, "words and patches")
    precondition(proximity >= 0.1 && iterationCount > 0, "parameters of a transport plan")
    let (words, patches) = (all.wordCount, all.patchCount)
    let kernel = all.values.map { exponential(($0 - 1) / proximity) }
    var plan = [Double](repeating: 1, count: words * patches)
    var wordScales = [Double](repeating: 1 / Double(words), count: words)
    var patchScales = [Double](repeating: 0, count: patches)
    for _ in 0..<iterationCount {
      for place in plan.indices { plan[place] *= kernel[place] }
      Self.scale(&patchScales, to: 1 / Double(patches), plan, by: wordScales, alongPatches: true)
      Self.scale(&wordScales, to: 1 / Double(words), plan, by: patchScales, alongPatches: false)
      for word in 0..<words {
        for patch in 0..<patches {
          plan[word * patches + patch] *= wordScales[word] * patchScales[patch]
        }
      }
    }
    flows = plan
  }

  /// Sinkhorn's method for transport with an entropy term (Cuturi, NeurIPS 2013). Every word sends
  /// exactly `1/words`; every patch receives nearly `1/patches`.
  /// - Parameters:
  ///   - entropy: ε; the smaller, the nearer to the cheapest plan, and the slower.
  ///   - iterationCount: scalings of both sides.
  /// - Precondition: there are words and patches, `entropy` is at least 0.01.
  /// - Complexity: iterations × words × patches.
  package init(sinkhorn all: ExactSimilarities, entropy: Double = 0.05, iterationCount: Int = 100) {
    precondition(all.wordCount > 0 && all.patchCount > 0, "words and patches")
    precondition(entropy >= 0.01 && iterationCount > 0, "parameters of a transport plan")
    let (words, patches) = (all.wordCount, all.patchCount)
    // Similarities are at most 1: no entry overflows, and with ε ≥ 0.01 none is zero.
    var plan = all.values.map { exponential(($0 - 1) / entropy) }
    var wordScales = [Double](repeating: 1, count: words)
    var patchScales = [Double](repeating: 1, count: patches)
    for _ in 0..<iterationCount {
      Self.scale(&patchScales, to: 1 / Double(patches), plan, by: wordScales, alongPatches: true)
      Self.scale(&wordScales, to: 1 / Double(words), plan, by: patchScales, alongPatches: false)
    }
    for word in 0..<words {
      for patch in 0..<patches {
        plan[word * patches + patch] *= wordScales[word] * patchScales[patch]
      }
    }
    flows = plan
  }

  /// The similarity of what is moved with where it goes: 1 less the cost of the plan.
  package func similarity(_ all: ExactSimilarities) -> Double {
    var (sum, mass) = (0.0, 0.0)
    for (flow, similarity) in zip(flows, all.values) {
      sum += flow * similarity
      mass += flow
    }
    return 1 - (mass - sum)
  }

  /// Makes every patch (or word) of the scaled plan sum up to `mass`.
  private static func scale(
    _ scales: inout [Double], to mass: Double, _ plan: [Double], by others: [Double],
    alongPatches: Bool
  ) {
    let patches = alongPatches ? scales.count : others.count
    var sums = [Double](repeating: 0, count: scales.count)
    for word in 0..<plan.count / patches {
      for patch in 0..<patches {
        let flow = plan[word * patches + patch]
        if alongPatches {
          sums[patch] += flow * others[word]
        } else {
          sums[word] += flow * others[patch]
        }
      }
    }
    // A pile to which every way is too dear for a Double gets nothing.
    for (place, sum) in sums.enumerated() { scales[place] = sum > 0 ? mass / sum : 0 }
  }
}
