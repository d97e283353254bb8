public import FilipEncoders
public import FilipLateInteraction
public import SystemPackage

/// Says which of some labels an image shows, without having been trained for them (zero-shot
/// classification; FILIP, section 3.1).
///
/// Each label becomes a sentence for each template, each sentence is scored against the image by late
/// interaction, and an ensemble rule makes probabilities of the scores. They say how the labels
/// compare, not whether any of them is right.
public struct Classifier: Sendable {
  /// Every knob of a classification.
  public struct Settings: Sendable {
    /// What labels are put into; at least one. Default: `a photo of a {}`.
    public var templates = [PromptTemplate.photo]
    /// How several templates are combined. Default: the paper's.
    public var ensemble = PromptEnsemble.similarity
    /// Which side is averaged.
    ///
    /// The paper ranks labels by image-to-text scores. On the gallery (bundled model, 723 labels,
    /// default template) the first label is right for 68 % of the pictures so, for 64 % by
    /// text-to-image scores, and for 73 % by the mean of both, which is the default. Without words
    /// around the label image-to-text scores fail (3 %): every patch has to match one of the
    /// sentence's words, and the ground needs something to match.
    public var direction = ScoreDirection.mean
    /// Compare the model's pooled vectors instead of tokens. Default false.
    public var usesPooledVectors = false
    /// What scores are multiplied with before the softmax, above 0; a larger one makes the best label
    /// more probable. Default 100, where the training of CLIP ends.
    public var scale = 100.0

    /// The defaults.
    public init() {}
  }

  /// A label as an image scores it.
  public struct LabelScore: Sendable, Hashable {
    /// Its place among the classifier's labels.
    public var label: Int
    /// The mean over the templates of the scores, −1…1.
    public var score: Double
    /// The share of the probability that it gets, 0…1.
    public var probability: Double
  }

  /// What is chosen from.
  public let labels: [String]
  private let settings: Settings
  private let sentences: [Sentences]

  /// The sentences of one template.
  private struct Sentences {
    /// Rows of all labels, one label after the other.
    var tokens: TokenMatrix
    /// The rows of each label.
    var rows: [Range<Int>]
    /// A row for each label.
    var pooled: TokenMatrix
  }

  /// A classifier for some labels.
  /// - Throws: `QueryError` when there are no labels or no templates; `EncoderError` for a label that
  ///   the text tower cannot read.
  /// - Complexity: labels × templates runs of the text tower.
  public init(labels: [String], encoder: TextEncoder, settings: Settings = Settings()) throws {
    try self.init(labels: labels, settings: settings) { text in
      let encoded = try encoder.encode(text)
      return (encoded.tokens, encoded.pooled)
    }
  }

  /// A classifier whose sentences `encode` makes tokens and a pooled vector of.
  init(
    labels: [String], settings: Settings,
    encode: (String) throws -> (tokens: TokenMatrix, pooled: [Float])
  ) throws {
    guard !labels.isEmpty else {
      throw QueryError(.emptyQuery, "there are no labels to choose from; write one a line")
    }
    guard !settings.templates.isEmpty else {
      throw QueryError(.emptyQuery, "there is no template to put labels into; give one with {}")
    }
    precondition(settings.scale > 0, "scale of scores")
    self.labels = labels
    self.settings = settings
    sentences = try settings.templates.map { template in
      let encoded = try labels.map { try encode(template.text(for: $0)) }
      var rows: [Range<Int>] = []
      for text in encoded {
        let first = rows.last?.upperBound ?? 0
        rows.append(first..<first + text.tokens.tokenCount)
      }
      let pooled = encoded.flatMap(\.pooled)
      return Sentences(
        tokens: encoded[0].tokens.appending(encoded.dropFirst().map(\.tokens)), rows: rows,
        pooled: TokenMatrix(
          unchecked: pooled, tokenCount: labels.count, dimension: pooled.count / labels.count))
    }
  }

  /// The labels of a file, one a line, white space reduced to single blanks; blank lines are passed
  /// over.
  /// - Throws: `QueryError` when it cannot be read, holds none, or one twice.
  public static func labels(in path: FilePath) throws(QueryError) -> [String] {
    var labels: [String] = []
    var lines: [String: Int] = [:]
    try forEachTextLine(of: path) { (line, number) throws(QueryError) in
      let label = line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      if let earlier = lines.updateValue(number, forKey: label) {
        throw QueryError(
          .malformedQuery, "\(path), line \(number): \(label) stands in line \(earlier) already")
      }
      labels.append(label)
    }
    guard !labels.isEmpty else {
      throw QueryError(.emptyQuery, "\(path): there are no labels in it; write one a line")
    }
    return labels
  }

  /// The labels by falling probability, the earlier of equals first.
  /// - Precondition: the image was encoded by the model of the classifier.
  /// - Complexity: rows of all sentences × patches, dot products.
  public func classify(_ image: EncodedImage) throws -> [LabelScore] {
    try classify(tokens: image.tokens, pooled: image.pooled)
  }

  /// The labels of an image with these tokens and this pooled vector.
  func classify(tokens: TokenMatrix, pooled: [Float]) throws -> [LabelScore] {
    let scores: [[Double]]
    if settings.usesPooledVectors {
      let image = try TokenMatrix(normalizing: pooled, tokenCount: 1, dimension: pooled.count)
      scores = sentences.map { ExactSimilarities(text: $0.pooled, image: image).values }
    } else {
      scores = sentences.map { sentences in
        let similarities = ExactSimilarities(text: sentences.tokens, image: tokens)
        return sentences.rows.map { similarities.score(settings.direction, of: $0) }
      }
    }
    let means = PromptEnsemble.mean(scores)
    let all = settings.ensemble.probabilities(scores, scale: settings.scale)
    let order = all.indices.sorted { all[$0] != all[$1] ? all[$0] > all[$1] : $0 < $1 }
    return order.map { LabelScore(label: $0, score: means[$0], probability: all[$0]) }
  }
}
