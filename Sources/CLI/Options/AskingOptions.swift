public import ArgumentParser
import FilipLateInteraction
public import FilipQuery

/// What is asked for besides words, and how words are read.
struct AskingOptions: ParsableArguments {
  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "A picture to ask with instead of words: what looks like its parts.",
      discussion:
        "Each patch of it looks for its like, so a part of a picture finds the whole. More "
        + "than 64 patches are merged. Words that are given too join it, as with --add.",
      valueName: "file"))
  var image: String?

  @Option(
    help: ArgumentHelp(
      "Ask only with what --image shows here: x,y,w,h in pixels of the upright picture.",
      discussion: "The patches whose middle lies in it are used, as the whole picture makes them.",
      valueName: "box"))
  var region: String?

  @Option(
    name: [.customShort("a"), .long],
    help: ArgumentHelp(
      "Words or a picture that join the query; may be repeated.",
      discussion: "A number and a colon in front is a weight: --add 2:stripes. A picture counts as "
        + "much as all words together. The name of a file that is there, and what begins with / or "
        + "./, is a picture.",
      valueName: "[w:]text|file"))
  var add: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "What must not be there; may be repeated.",
      discussion: "An image is pushed down by as much as it shows this more clearly than images of "
        + "the index usually do (above the median and two robust deviations), times the weight. What "
        + "all images show does nothing. All words of one option are one thing.",
      valueName: "text"))
  var without: [String] = []

  @Option(
    name: [.customShort("s"), .customLong("sub")],
    help: ArgumentHelp(
      "As --without, with words or a picture.", valueName: "[w:]text|file"))
  var subtract: [String] = []

  @Option(
    name: .customLong("words"),
    help: ArgumentHelp(
      "How words make a score: mean, all (the least of them) or any (the largest).",
      valueName: "rule"))
  var combination: Query.Combination = .mean

  @Flag(help: "Take every sign of the query for itself: no weights, no phrases.")
  var literal = false

  @Option(help: ArgumentHelp("Leave out hits with a lower score.", valueName: "x"))
  var minScore: Double?

  @Option(
    help: ArgumentHelp(
      "Leave out hits that show a word less clearly than so many deviations above its mean.",
      discussion:
        "Mean and deviation are those of up to 1000 images of this index; with fewer than "
        + "20 there are none, and all hits are left out. With --words any one word is enough.",
      valueName: "z"))
  var minEvidence: Double?

  func validate() throws {
    for (name, value) in [("--min-score", minScore), ("--min-evidence", minEvidence)] {
      if let value, !value.isFinite { throw ValidationError("\(name): give a number") }
    }
    if region != nil, image == nil {
      throw ValidationError("--region is a part of a picture; name it with --image")
    }
    if image?.isBlank ?? false { throw ValidationError("--image: the path is empty") }
    for text in add + subtract + without where text.isBlank {
      throw ValidationError("--add, --sub and --without need words or a file, not blanks")
    }
  }

  /// Whether nothing is asked for here.
  var isEmpty: Bool {
    image == nil && add.isEmpty && without.isEmpty && subtract.isEmpty && combination == .mean
  }

  /// Whether more is asked for than words as they are.
  func hasOperators(_ words: String) -> Bool {
    !isEmpty || minScore != nil || minEvidence != nil
      || (try? text(words))?.marks.isEmpty == false
  }

  /// The query of these options and the words; the words are not blank, or there is a picture.
  func query(_ words: String) throws -> Query {
    var query: Query
    if let image {
      let box = try region.map { (text) throws(QueryError) in try PixelRegion(parsing: text) }
      query = Query(.image(argumentPath(image), region: box))
      if !words.isBlank { query.added.append(Query.Clause(try text(words))) }
    } else {
      query = Query(try text(words))
    }
    query.combination = combination
    query.added += try add.map { try clause($0) }
    query.excluded = try without.map { Query.Clause(try text($0)) }
    query.excluded += try subtract.map { try clause($0) }
    return query
  }

  private func text(_ words: String) throws(QueryError) -> QueryText {
    literal ? QueryText(literal: words) : try QueryParser.parse(words)
  }

  private func clause(_ argument: String) throws(QueryError) -> Query.Clause {
    try Query.Clause(parsing: argument, literal: literal, path: argumentPath)
  }
}

extension Query.Combination: ExpressibleByArgument {}
