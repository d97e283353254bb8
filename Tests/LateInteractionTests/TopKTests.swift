import FilipLateInteraction
import TestSupport
import Testing

@Suite struct TopKTests {
  @Test func `equals sorting and taking, whatever the order of arrival`() {
    for seed in UInt64(0)..<200 {
      var generator = SeededGenerator(seed: seed)
      let items = (0..<Int.random(in: 0..<60, using: &generator)).map {
        // Few distinct scores, so that ties are common.
        ScoredItem(id: $0, score: Double(Int.random(in: 0..<5, using: &generator)))
      }
      let capacity = Int.random(in: 0..<20, using: &generator)
      let expected = items.sorted {
        $0.score != $1.score ? $0.score > $1.score : $0.id < $1.id
      }.prefix(capacity)
      var best = TopK<Int>(capacity: capacity)
      for item in items.shuffled(using: &generator) { best.insert(item) }
      #expect(best.sorted == Array(expected), "seed \(seed)")

      var parts = TopK<Int>(capacity: capacity)
      for part in [items.prefix(items.count / 3), items.dropFirst(items.count / 3)] {
        var kept = TopK<Int>(capacity: capacity)
        for item in part { kept.insert(item) }
        parts.merge(kept)
      }
      #expect(parts.sorted == Array(expected), "seed \(seed), in two parts")
    }
  }
}
