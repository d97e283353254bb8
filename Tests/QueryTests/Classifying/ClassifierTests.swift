import FilipLateInteraction
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct ClassifierTests {
  /// Rows of `sin(a·i + b)` over the flat index, normalised.
  private func waves(_ rows: Int, _ a: Double, _ b: Double) throws -> TokenMatrix {
    try TokenMatrix(
      normalizing: (0..<rows * 4).map { Float(sin(a * Double($0) + b)) }, tokenCount: rows,
      dimension: 4)
  }

  /// A classifier whose sentences have the tokens that `encode` says.
  private func classifier(
    _ labels: [String], templates: [String] = ["{}"], _ change: (inout Classifier.Settings) -> Void,
    encode: (String) throws -> TokenMatrix
  ) throws -> Classifier {
    var settings = Classifier.Settings()
    settings.templates = try templates.map { (text) throws(QueryError) in try PromptTemplate(text) }
    change(&settings)
    return try Classifier(labels: labels, settings: settings) { text in
      let tokens = try encode(text)
      return (tokens, Array(tokens[0]))
    }
  }

  @Test func `the mean over templates is that of NumPy`() throws {
    // Golden values, computed in double precision from the same matrices of sines.
    let image = try waves(5, 0.7, 0.3)
    func score(_ direction: ScoreDirection, _ templates: [String]) throws -> Double {
      let classifier = try classifier(["x"], templates: templates) {
        $0.direction = direction
      } encode: {
        $0.hasPrefix("one") ? try waves(3, 1.1, 0.2) : try waves(3, 0.9, 0.5)
      }
      let found = try classifier.classify(tokens: image, pooled: [])
      #expect(found.count == 1 && found[0].probability == 1)
      return found[0].score
    }
    #expect(abs(try score(.imageToText, ["one {}", "two {}"]) - 0.692127) < 1e-6)
    #expect(abs(try score(.imageToText, ["one {}"]) - 0.791286) < 1e-6)
    #expect(abs(try score(.textToImage, ["one {}"]) - 0.854082) < 1e-6)
  }

  @Test func `the two ensembles are a mean of scores and a mean of probabilities`() throws {
    // Two templates, three labels. Of scores the third label's mean is the largest; of
    // probabilities the first one's, which one template is sure of.
    let scores = [[0.9, 0.1, 0.6], [0.1, 0.5, 0.55]]
    let scale = 20.0
    func softmax(_ values: [Double]) -> [Double] {
      let powers = values.map { exp($0 * scale) }
      return powers.map { $0 / powers.reduce(0, +) }
    }
    let similarity = PromptEnsemble.similarity.probabilities(scores, scale: scale)
    let means = softmax([0.5, 0.3, 0.575])
    #expect(zip(similarity, means).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(similarity.max() == similarity[2])
    let rows = scores.map(softmax)
    let mean = PromptEnsemble.softmax.probabilities(scores, scale: scale)
    for label in 0..<3 {
      #expect(abs(mean[label] - (rows[0][label] + rows[1][label]) / 2) < 1e-12)
    }
    #expect(abs(mean.reduce(0, +) - 1) < 1e-12)
    #expect(mean.max() == mean[0])
    // Large scales neither overflow nor vanish.
    #expect(PromptEnsemble.similarity.probabilities([[1, -1]], scale: 1e6) == [1, 0])
  }

  @Test(arguments: ScoreDirection.allCases, PromptEnsemble.allCases)
  func `labels are ranked as by scoring every sentence by itself`(
    direction: ScoreDirection, ensemble: PromptEnsemble
  ) throws {
    var generator = SeededGenerator(seed: 21)
    func tokens(_ count: Int) throws -> TokenMatrix {
      try TokenMatrix(normalizing: generator.floats(count * 5), tokenCount: count, dimension: 5)
    }
    let labels = (0..<7).map { "label\($0)" }
    let templates = ["a {}", "the {}", "my {}"]
    var sentences: [String: TokenMatrix] = [:]
    for template in templates {
      for label in labels {
        sentences[template.replacingOccurrences(of: "{}", with: label)] = try tokens(
          Int.random(in: 1...4, using: &generator))
      }
    }
    let image = try tokens(6)
    let classifier = try classifier(labels, templates: templates) {
      $0.direction = direction
      $0.ensemble = ensemble
      $0.scale = 9
    } encode: {
      try #require(sentences[$0])
    }

    let scores = templates.map { template in
      labels.map { label in
        referenceMaxSim(
          text: rows(sentences[template.replacingOccurrences(of: "{}", with: label)]!),
          image: rows(image), direction: direction)
      }
    }
    let expected = ensemble.probabilities(scores, scale: 9)
    let found = try classifier.classify(tokens: image, pooled: [])
    #expect(found.map(\.label) == labels.indices.sorted { expected[$0] > expected[$1] })
    for score in found {
      #expect(abs(score.probability - expected[score.label]) < 1e-9)
      let mean = scores.reduce(0) { $0 + $1[score.label] } / 3
      #expect(abs(score.score - mean) < 1e-9)
    }
  }

  @Test func `a planted picture is what it shows, by tokens and by pooled vectors`() throws {
    let colours = PlantedImage.Colour.allCases
    let names = colours.map { "\($0)" }
    var image = PlantedImage(rowCount: 3, columnCount: 3)
    image.paint(.green, strength: 0.8, row: 1, column: 2)
    image.paint(.blue, strength: 0.5, row: 0, column: 0)
    for pooled in [false, true] {
      let classifier = try classifier(names) {
        $0.direction = .textToImage
        $0.usesPooledVectors = pooled
        $0.scale = 10
      } encode: { name in
        PlantedImage.words([try #require(colours.first { "\($0)" == name })])
      }
      let vector = Array(PlantedImage.words([.green])[0])
      let found = try classifier.classify(tokens: image.tokens, pooled: vector)
      #expect(names[found[0].label] == "green")
      // 0.8, 0.5 and five times 0; of pooled vectors 1 and six times 0.
      let powers = pooled ? [exp(10.0), 6] : [exp(8.0), exp(5.0) + 5]
      #expect(abs(found[0].probability - powers[0] / (powers[0] + powers[1])) < 1e-6)
      // Of equals the earlier label comes first.
      let rest = found.dropFirst(pooled ? 1 : 2).map(\.label)
      #expect(rest == rest.sorted())
    }
  }

  @Test func `labels are read a line each, and doubled ones are named`() throws {
    let folder = try TemporaryDirectory()
    func labels(_ text: String) throws -> [String] {
      let path = folder.path + "/labels"
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      return try Classifier.labels(in: FilePath(path))
    }
    #expect(try labels(" hot  dog \n\nradio\r\n") == ["hot dog", "radio"])
    #expect { try labels("a\nb\n a\n") } throws: { "\($0)".contains("line 3: a stands in line 1") }
    #expect { try labels("\n \n") } throws: { "\($0)".contains("no labels") }
    #expect { try Classifier.labels(in: FilePath(folder.path + "/none")) } throws: {
      ($0 as? QueryError)?.code == .notFound
    }
  }
}
