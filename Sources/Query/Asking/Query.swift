public import FilipLateInteraction
public import SystemPackage

/// What is asked of an index: words, a picture or a part of one, what is to be added and what must
/// not be there.
///
///     var query = Query(try QueryParser.parse("small balloon^2"))
///     query.excluded = [Query.Clause(try QueryParser.parse("snow"))]
public struct Query: Sendable, Hashable, CustomStringConvertible {
  /// How the parts of a query make one score.
  public enum Combination: String, Sendable, CaseIterable {
    /// The weighted mean over the rows of all parts (FILIP, equation 5).
    case mean
    /// The least of the parts: every one must be found.
    case all
    /// The largest of the parts: any one is enough.
    case any
  }

  /// A text or a picture.
  public enum Content: Sendable, Hashable {
    /// Words and phrases.
    case text(QueryText)
    /// A picture in a file; of it the part inside `region` alone, if one is given.
    case image(FilePath, region: PixelRegion?)
  }

  /// A text or a picture, and how much it counts.
  public struct Clause: Sendable, Hashable {
    /// What it says.
    public var content: Content
    /// How much it counts; 0 or more.
    public var weight: Double

    /// A clause of these parts.
    public init(_ content: Content, weight: Double = 1) {
      self.content = content
      self.weight = weight
    }

    /// Words that count once.
    public init(_ text: QueryText) { self.init(.text(text)) }

    /// Whether it is words, and no picture.
    var isText: Bool { if case .text = content { true } else { false } }
  }

  /// What is asked for first.
  public var content: Content
  /// How the parts make one score. Default: their mean.
  public var combination = Combination.mean
  /// What joins the query. Parts of a text count as much as those of the query, times the clause's
  /// weight; a picture as much as all of the query's text.
  public var added: [Clause] = []
  /// What pushes an image down: by as much as the image shows it more clearly than images of the
  /// index do as a rule (the median and two robust deviations), times its weight. What all images
  /// show does nothing.
  public var excluded: [Clause] = []

  /// A query for words, or a picture.
  public init(_ content: Content) { self.content = content }

  /// A query for words.
  public init(_ text: QueryText) { self.init(.text(text)) }

  /// What is asked for first, as typed, or the name of its file.
  public var description: String {
    switch content {
    case .text(let text): text.typed
    case .image(let path, _): path.string
    }
  }
}

extension Query {
  /// What is asked for first, without operators.
  package var plainText: String {
    if case .text(let text) = content { text.text } else { description }
  }

  /// Whether words have to be encoded, and whether pictures.
  package var needs: (text: Bool, images: Bool) {
    let contents = [content] + (added + excluded).map(\.content)
    return contents.reduce((false, false)) { needs, content in
      if case .text = content { (true, needs.1) } else { (needs.0, true) }
    }
  }
}

extension PixelRegion {
  /// Reads `x,y,w,h`: left and upper edge, width and height in pixels.
  /// - Throws: `QueryError.malformedQuery`.
  public init(parsing text: String) throws(QueryError) {
    let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    let values = numbers.compactMap(\.self).filter { $0.isFinite && $0 >= 0 && $0 <= 1e9 }
    guard numbers.count == 4, values.count == 4, values[2] > 0, values[3] > 0 else {
      throw QueryError(
        .malformedQuery,
        "\(text): give a region as left edge, upper edge, width and height in pixels of the upright "
          + "picture, such as 120,40,200,200")
    }
    self.init(x: values[0], y: values[1], width: values[2], height: values[3])
  }
}
