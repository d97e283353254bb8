import Foundation
import TestSupport
import Testing

@testable import FilipLateInteraction

@Suite struct TokenPoolingTests {
  private func tokens(
    _ count: Int, _ dimension: Int, _ generator: inout SeededGenerator
  ) throws -> TokenMatrix {
    try TokenMatrix(
      normalizing: generator.floats(count * dimension), tokenCount: count, dimension: dimension)
  }

  @Test func `groups are those of scipy's Ward linkage`() throws {
    let values = (0..<24 * 5).map {
      Float(sin(0.9 * Double($0) + 0.4 * cos(0.37 * Double($0))))
    }
    let image = try TokenMatrix(normalizing: values, tokenCount: 24, dimension: 5)
    // scipy.cluster.hierarchy: fcluster(linkage(rows, 'ward'), groups, 'maxclust'), renumbered.
    let golden: [(factor: Int, groups: [UInt32])] = [
      (2, [0, 1, 2, 3, 4, 5, 6, 0, 1, 7, 3, 4, 8, 9, 0, 1, 10, 3, 4, 8, 9, 0, 11, 5]),
      (4, [0, 1, 2, 3, 4, 5, 2, 0, 1, 2, 3, 4, 5, 2, 0, 1, 2, 3, 4, 5, 2, 0, 1, 5]),
      (8, [0, 1, 2, 0, 1, 1, 2, 0, 1, 2, 0, 1, 1, 2, 0, 1, 2, 0, 1, 1, 2, 0, 1, 1]),
    ]
    for (factor, groups) in golden {
      #expect(TokenPooling(factor: factor).pool(image).tokenOfPatch == groups, "factor \(factor)")
    }
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func `every merge is the cheapest of all pairs by the definition`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let count = Int.random(in: 2...24, using: &generator)
    let image = try tokens(count, [1, 2, 5, 16][Int(seed) % 4], &generator)
    var groups = (0..<count).map { [rows(image)[$0]] }
    func mean(_ group: [[Double]]) -> [Double] {
      group[0].indices.map { index in
        group.reduce(0) { $0 + $1[index] } / Double(group.count)
      }
    }
    func cost(_ a: [[Double]], _ b: [[Double]]) -> Double {
      let square = zip(mean(a), mean(b)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      return Double(a.count * b.count) / Double(a.count + b.count) * square
    }
    var merging = WardMerging(image)
    for _ in 1..<count {
      var least = Double.infinity
      for left in 0..<count where !groups[left].isEmpty {
        for right in left + 1..<max(count, left + 1) where !groups[right].isEmpty {
          least = min(least, cost(groups[left], groups[right]))
        }
      }
      let merge = merging.mergeNext()
      #expect(merge.kept < merge.removed)
      let taken = cost(groups[merge.kept], groups[merge.removed])
      #expect(abs(taken - Double(merge.cost)) < 1e-5, "seed \(seed)")
      #expect(taken <= least + 1e-5, "seed \(seed)")
      groups[merge.kept] += groups[merge.removed]
      groups[merge.removed] = []
    }
  }

  @Test func `a token is the normalised mean of its patches, and groups follow their first patch`()
    throws
  {
    for seed in UInt64(0)..<40 {
      var generator = SeededGenerator(seed: seed)
      let count = Int.random(in: 0...70, using: &generator)
      let factor = Int.random(in: 1...9, using: &generator)
      let image = try tokens(count, 7, &generator)
      let pooled = TokenPooling(factor: factor).pool(image)
      #expect(pooled.tokens.tokenCount == (count + factor - 1) / factor)
      #expect(pooled.tokenOfPatch.count == count)
      var firsts: [UInt32] = []
      for token in pooled.tokenOfPatch where !firsts.contains(token) { firsts.append(token) }
      #expect(firsts == (0..<UInt32(pooled.tokens.tokenCount)).map { $0 })
      for token in 0..<pooled.tokens.tokenCount {
        let members = pooled.tokenOfPatch.indices.filter { pooled.tokenOfPatch[$0] == token }
        var sum = [Double](repeating: 0, count: 7)
        for member in members { for (i, v) in rows(image)[member].enumerated() { sum[i] += v } }
        let length = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
        for (value, expected) in zip(pooled.tokens[token], sum) {
          #expect(abs(Double(value) - expected / length) < 1e-6, "seed \(seed)")
        }
      }
    }
  }

  @Test func `equal tokens merge first, the earliest of them before others`() throws {
    let axes: [Float] = [1, 0, 0, 1]
    let image = try TokenMatrix(
      normalizing: [0, 1, 0, 1, 1, 1, 1, 1].flatMap { axes[$0 * 2..<$0 * 2 + 2] }, tokenCount: 8,
      dimension: 2)
    // All merges of like tokens cost nothing; four of them are made, the earliest ones.
    let pooled = TokenPooling(factor: 2).pool(image)
    #expect(pooled.tokenOfPatch == [0, 1, 0, 1, 1, 1, 2, 3])
    #expect(TokenPooling(factor: 4).pool(image).tokenOfPatch == [0, 1, 0, 1, 1, 1, 1, 1])
    #expect(TokenPooling(factor: 2).pool(image) == pooled, "the same every time")
  }

  @Test func `a factor of one keeps everything`() throws {
    var generator = SeededGenerator(seed: 3)
    let image = try tokens(9, 4, &generator)
    let pooled = TokenPooling(factor: 1).pool(image)
    #expect(pooled.tokens == image && pooled.tokenOfPatch == Array(0..<9))
  }
}
