/// A scorer as it is asked for: `NAME` or `NAME:parameter=value,…`.
public struct ScorerSpecification: Sendable, CustomStringConvertible {
  /// Which words of a text belong together, for scorers that ask.
  package enum Bags: Sendable, Hashable {
    /// Each word by itself.
    case words
    /// The phrases of the text, as models of pooled vectors get them.
    case phrases
    /// Those that a file lists, one in each line.
    case dictionary(String)
  }

  /// What was asked for, as typed.
  public let description: String
  /// The rule.
  package var scorer: any Scorer
  /// The bags it wants.
  package var bags: Bags = .words
  /// Whether the weight of a hybrid is to be fitted to labelled data.
  package var fitsWeight = false

  /// Reads one specification.
  /// - Throws: `ScorerError` with one line that names what is wrong and what there is.
  public init(parsing text: String) throws(ScorerError) {
    description = text
    let (name, rest) = Self.halves(of: text, at: ":")
    var parameters = Parameters(scorer: name)
    for part in rest?.split(separator: ",", omittingEmptySubsequences: false) ?? [] {
      try parameters.add(String(part))
    }
    switch name {
    case "filip":
      scorer = FILIPScorer(
        direction: try parameters.choice(
          "direction",
          among: ["t2i": .textToImage, "i2t": .imageToText, "mean": .mean], default: .textToImage),
        padding: try parameters.choice(
          "padding", among: ["exclude": .exclude, "zero": .zero], default: .exclude))
    case "colbert": scorer = ColBERTScorer()
    case "global": scorer = GlobalScorer()
    case "hybrid":
      fitsWeight = parameters.take("weight", ifEqualTo: "fit")
      scorer = HybridScorer(weight: try parameters.number("weight", in: 0...1, default: 0.5))
    case "tokenflow":
      scorer = TokenFlowScorer(
        sharpness: try parameters.number("sharpness", in: 0...1000, default: 20))
    case "bagformer":
      scorer = BagFormerScorer(
        side: try parameters.choice(
          "side", among: ["t2i": .textToImage, "i2t": .imageToText], default: .textToImage))
      bags =
        switch parameters.take("bags") ?? "phrases" {
        case "phrases": .phrases
        case "words": .words
        case let file: .dictionary(file)
        }
    case "ot":
      let isIPOT = try parameters.choice(
        "method", among: ["ipot": true, "sinkhorn": false], default: true)
      let count = try parameters.count("iterations", upTo: 1000, default: isIPOT ? 50 : 100)
      let method: OptimalTransportScorer.Method =
        isIPOT
        ? .ipot(proximity: try parameters.number("beta", in: 0.1...10, default: 0.5))
        : .sinkhorn(entropy: try parameters.number("epsilon", in: 0.01...10, default: 0.05))
      scorer = OptimalTransportScorer(method: method, iterationCount: count)
    case "soft":
      scorer = SoftAlignmentScorer(
        temperature: try parameters.number("temperature", in: 0.001...10, default: 0.05))
    case "top-r":
      scorer = TopRScorer(r: try parameters.count("r", upTo: 10_000, default: 3))
    case "tags":
      scorer = TagScorer(weight: try parameters.number("weight", in: 0...10, default: 0.1))
    default:
      throw ScorerError(
        "there is no scorer \(name); give one of \(Self.names.joined(separator: ", "))")
    }
    try parameters.finish()
  }

  /// Reads a list of specifications, separated by commas; a part without a colon that holds an
  /// equals sign goes on with the parameters of the scorer before it.
  public static func list(parsing text: String) throws(ScorerError) -> [ScorerSpecification] {
    var parts: [String] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      if !parts.isEmpty, part.contains("="), !part.contains(":") {
        parts[parts.count - 1] += "," + part
      } else {
        parts.append(String(part))
      }
    }
    var specifications: [ScorerSpecification] = []
    for part in parts { specifications.append(try ScorerSpecification(parsing: part)) }
    return specifications
  }

  /// Every scorer.
  public static let names = [
    "filip", "colbert", "global", "hybrid", "tokenflow", "bagformer", "ot", "soft", "top-r", "tags",
  ]

  /// What a help text says of the scorers and their parameters.
  public static let help = """
    filip[:direction=t2i|i2t|mean,padding=exclude|zero] each word's best patch, averaged; \
    colbert the same, added up; global pooled vectors; hybrid[:weight=0.5|fit] tokens and pooled \
    vectors; tokenflow[:sharpness=20]; bagformer[:bags=phrases|words|FILE,side=t2i|i2t]; \
    ot[:method=ipot|sinkhorn,beta=0.5,epsilon=0.05,iterations=50] optimal transport; \
    soft[:temperature=0.05]; top-r[:r=3] each word's best patches; tags[:weight=0.1]
    """

  fileprivate static func halves(
    of text: String, at separator: Character
  ) -> (String, String?) {
    guard let place = text.firstIndex(of: separator) else { return (text, nil) }
    return (String(text[..<place]), String(text[text.index(after: place)...]))
  }
}

/// Why a scorer cannot be had: one line.
public struct ScorerError: Error, Equatable, CustomStringConvertible {
  /// What is wrong and what would be right.
  public let description: String

  init(_ description: String) { self.description = description }
}

/// The parameters behind a scorer's name, each taken once.
private struct Parameters {
  let scorer: String
  private var values: [String: String] = [:]
  private var known: [String] = []

  init(scorer: String) { self.scorer = scorer }

  mutating func add(_ text: String) throws(ScorerError) {
    let (name, value) = ScorerSpecification.halves(of: text, at: "=")
    guard let value, !name.isEmpty, !value.isEmpty else {
      throw ScorerError("\(scorer): “\(text)” is no parameter; write name=value")
    }
    guard values.updateValue(value, forKey: name) == nil else {
      throw ScorerError("\(scorer): \(name) is given twice")
    }
  }

  mutating func take(_ name: String) -> String? {
    known.append(name)
    return values.removeValue(forKey: name)
  }

  /// Whether a parameter has that value, which is taken then.
  mutating func take(_ name: String, ifEqualTo value: String) -> Bool {
    guard values[name] == value else { return false }
    values[name] = nil
    return true
  }

  mutating func choice<Value>(
    _ name: String, among choices: KeyValuePairs<String, Value>, default value: Value
  ) throws(ScorerError) -> Value {
    guard let text = take(name) else { return value }
    if let chosen = choices.first(where: { $0.key == text }) { return chosen.value }
    let all = choices.map(\.key).joined(separator: ", ")
    throw ScorerError("\(scorer): \(name)=\(text): give one of \(all)")
  }

  mutating func number(
    _ name: String, in range: ClosedRange<Double>, default value: Double
  ) throws(ScorerError) -> Double {
    guard let text = take(name) else { return value }
    guard let number = Double(text), range.contains(number) else {
      throw ScorerError(
        "\(scorer): \(name)=\(text): give a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  mutating func count(
    _ name: String, upTo limit: Int, default value: Int
  ) throws(ScorerError) -> Int {
    guard let text = take(name) else { return value }
    guard let number = Int(text), (1...limit).contains(number) else {
      throw ScorerError("\(scorer): \(name)=\(text): give a whole number from 1 to \(limit)")
    }
    return number
  }

  /// Refuses what nobody took.
  func finish() throws(ScorerError) {
    guard let name = values.keys.min() else { return }
    throw ScorerError(
      "\(scorer) has no parameter \(name)"
        + (known.isEmpty ? "" : "; it has \(known.joined(separator: ", "))"))
  }
}
