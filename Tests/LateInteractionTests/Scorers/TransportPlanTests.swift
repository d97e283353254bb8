import FilipLateInteraction
import Foundation
import TestSupport
import Testing

@Suite struct TransportPlanTests {
  /// Sums of the plan along one side.
  func masses(_ plan: TransportPlan, words: Int, patches: Int) -> (word: [Double], patch: [Double])
  {
    (
      (0..<words).map { word in
        (0..<patches).reduce(0) { $0 + plan.flows[word * patches + $1] }
      },
      (0..<patches).map { patch in
        (0..<words).reduce(0) { $0 + plan.flows[$1 * patches + patch] }
      }
    )
  }

  @Test func `every word sends and every patch receives its share`() throws {
    for (words, patches) in [(1, 1), (3, 5), (5, 3), (8, 64)] {
      let (text, image) = try GoldenPair.random(words: words, patches: patches, seed: 3)
      let all = ExactSimilarities(text: text, image: image)
      for plan in [
        TransportPlan(ipot: all, iterationCount: 400),
        TransportPlan(sinkhorn: all, iterationCount: 1000),
        TransportPlan(sinkhorn: all, entropy: 1, iterationCount: 100),
      ] {
        let masses = masses(plan, words: words, patches: patches)
        #expect(masses.word.allSatisfy { abs($0 - 1 / Double(words)) < 1e-12 })
        #expect(masses.patch.allSatisfy { abs($0 - 1 / Double(patches)) < 2e-3 })
        #expect(plan.flows.allSatisfy { $0 >= 0 })
      }
    }
  }

  @Test func `the plan between a set and itself leaves everything where it is`() throws {
    let tokens = try TokenMatrix(
      normalizing: [1, 0, 0, 0, 1, 0, 0, 0, 1], tokenCount: 3, dimension: 3)
    let all = ExactSimilarities(text: tokens, image: tokens)
    for plan in [
      TransportPlan(ipot: all, proximity: 0.1, iterationCount: 100),
      TransportPlan(sinkhorn: all, entropy: 0.02),
    ] {
      #expect(abs(plan.similarity(all) - 1) < 1e-6)
      for place in 0..<9 {
        #expect(abs(plan.flows[place] - (place % 4 == 0 ? 1.0 / 3 : 0)) < 1e-6)
      }
    }
  }

  @Test func `IPOT finds the cheapest assignment of three words to three patches`() throws {
    for seed in UInt64(0)..<10 {
      let (text, image) = try GoldenPair.random(words: 3, patches: 3, seed: seed)
      let all = ExactSimilarities(text: text, image: image)
      let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
      let best = orders.map { order in
        order.enumerated().reduce(0) { $0 + all.values[$1.offset * 3 + $1.element] } / 3
      }.max()!
      let plan = TransportPlan(ipot: all, proximity: 0.1, iterationCount: 1000)
      #expect(abs(plan.similarity(all) - best) < 1e-3, "seed \(seed)")
    }
  }

  @Test func `the hardest parameters yield numbers`() throws {
    let opposite = try TokenMatrix(normalizing: [1, 0, -1, 0], tokenCount: 2, dimension: 2)
    let image = try TokenMatrix(normalizing: [-1, 0, -1, 0, -1, 0], tokenCount: 3, dimension: 2)
    let all = ExactSimilarities(text: opposite, image: image)
    for plan in [
      TransportPlan(ipot: all, proximity: 0.1, iterationCount: 1000),
      TransportPlan(sinkhorn: all, entropy: 0.01, iterationCount: 1000),
    ] {
      #expect(abs(plan.similarity(all)) < 1e-6)
    }
  }
}
