import FilipLateInteraction
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct SyntheticCorpusTests {
  let corpus: SyntheticCorpus

  init() {
    var parameters = SyntheticCorpus.Parameters()
    parameters.imageCount = 300
    parameters.tokensPerImage = 49
    parameters.dimension = 64
    corpus = SyntheticCorpus(parameters)
  }

  private func dot(_ a: some Sequence<Float>, _ b: some Sequence<Float>) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }

  @Test func `tokens have length one and lean towards their concept as the noise says`() {
    var sum = 0.0
    var squares = 0.0
    var count = 0.0
    for image in 0..<60 {
      let tokens = corpus.tokens(ofImage: image)
      for patch in corpus.patches(ofImage: image) {
        for token in patch.tokens {
          #expect(abs(dot(tokens[token], tokens[token]) - 1) < 1e-5)
          let cosine = dot(tokens[token], corpus.vector(patch.concept))
          sum += cosine
          squares += cosine * cosine
          count += 1
        }
      }
    }
    let mean = sum / count
    // 1 / √1.36; at 64 dimensions the noise's own length varies by a tenth.
    #expect(abs(mean - 0.857) < 0.01, "\(mean)")
    #expect((squares / count - mean * mean).squareRoot() < 0.05)
  }

  @Test func `an image shows three to eight concepts in runs that fill it`() {
    var counts = [Int](repeating: 0, count: 9)
    for image in 0..<300 {
      let patches = corpus.patches(ofImage: image)
      counts[patches.count] += 1
      var start = 0
      for patch in patches {
        #expect(patch.tokens.lowerBound == start && !patch.tokens.isEmpty)
        start = patch.tokens.upperBound
      }
      #expect(start == 49)
      #expect(Set(patches.map(\.concept)).count == patches.count)
    }
    #expect(counts[..<3] == [0, 0, 0])
    // 50 of each expected; ±5 standard deviations.
    #expect(counts[3...].allSatisfy { $0 > 17 && $0 < 83 }, "\(counts)")
  }

  @Test func `shares are those of a Dirichlet distribution of 0.6`() {
    // With K parts, the sum of squared shares has the mean (1 + 0.6) / (1 + 0.6 K).
    var found = 0.0
    var expected = 0.0
    for image in 0..<300 {
      let patches = corpus.patches(ofImage: image)
      let rest = Double(49 - patches.count)
      found += patches.reduce(0) { sum, patch in
        let share = Double(patch.tokens.count - 1) / rest
        return sum + share * share
      }
      expected += 1.6 / (1 + 0.6 * Double(patches.count))
    }
    #expect(abs(found / 300 - expected / 300) < 0.04, "\(found / 300), \(expected / 300)")
  }

  @Test func `frequent concepts follow Zipf's law`() {
    var counts = [Int](repeating: 0, count: 20_000)
    var total = 0
    for image in 0..<300 {
      for patch in corpus.patches(ofImage: image) {
        counts[patch.concept] += 1
        total += 1
      }
    }
    func expected(_ ranks: ClosedRange<Int>) -> Double {
      func sum(_ ranks: ClosedRange<Int>) -> Double {
        ranks.reduce(0) { $0 + 1 / nthPower(Double($1)) }
      }
      return Double(total) * sum(ranks) / sum(1...20_000)
    }
    // x^0.8 as the square root of x^1.6, by Newton's method: nothing shared with the corpus.
    func nthPower(_ x: Double) -> Double {
      var root = x
      for _ in 0..<80 {
        root -= (root * root * root * root * root - x * x * x * x) / (5 * root * root * root * root)
      }
      return root
    }
    for ranks in [1...100, 101...1_000, 1_001...20_000] {
      let found = Double(counts[ranks.lowerBound - 1..<ranks.upperBound].reduce(0, +))
      let wanted = expected(ranks)
      #expect(abs(found - wanted) < 5 * wanted.squareRoot(), "\(ranks): \(found), \(wanted)")
    }
  }

  @Test func `few directions carry much: the spectrum of the concepts falls like 1 over k`() {
    // The participation ratio (Σλ)² / Σλ² of a spectrum 1/k, k to 64: 4.744² / 1.629 = 13.8. By the
    // identity Σλ² = mean of squared inner products of independent vectors.
    var squares = 0.0
    var pairs = 0.0
    for first in 0..<150 {
      for second in 200..<350 {
        let product = dot(corpus.vector(first), corpus.vector(second))
        squares += product * product
        pairs += 1
      }
    }
    let ratio = pairs / squares
    #expect(ratio > 11 && ratio < 18, "\(ratio)")
  }

  @Test func `two runs and two orders give the same bytes, another seed others`() {
    let again = SyntheticCorpus(corpus.parameters)
    for image in [299, 7, 0] {
      #expect(again.tokens(ofImage: image) == corpus.tokens(ofImage: image))
    }
    #expect(again.query(5, wordCount: 8).tokens == corpus.query(5, wordCount: 8).tokens)
    var parameters = corpus.parameters
    parameters.seed = 2
    #expect(SyntheticCorpus(parameters).tokens(ofImage: 0) != corpus.tokens(ofImage: 0))
  }

  @Test func `a query names concepts of one image and function words, and finds the image`() {
    var found = 0
    for number in 0..<40 {
      let query = corpus.query(number)
      let concepts = query.vectors.filter { $0 < 20_000 }
      let shown = Set(corpus.patches(ofImage: query.image).map(\.concept))
      #expect((1...3).contains(concepts.count) && shown.isSuperset(of: concepts))
      #expect((1...3).contains(query.vectors.count - concepts.count))
      for (row, vector) in query.vectors.enumerated() {
        #expect(abs(dot(query.tokens[row], query.tokens[row]) - 1) < 1e-5)
        #expect(dot(query.tokens[row], corpus.vector(vector)) > 0.7)
      }
      let score = maxSim(text: query.tokens, image: corpus.tokens(ofImage: query.image))
      let other = (query.image + 1) % 300
      if score > maxSim(text: query.tokens, image: corpus.tokens(ofImage: other)) { found += 1 }

      let long = corpus.query(number, wordCount: 8)
      #expect(long.tokens.tokenCount == 8 && long.image == query.image)
      #expect(Set(long.vectors) == Set(query.vectors))
      #expect(corpus.query(number, wordCount: 1).vectors == [query.vectors[0]])
    }
    #expect(found >= 35, "\(found) of 40")
  }
}
