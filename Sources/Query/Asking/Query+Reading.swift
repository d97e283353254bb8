import FilipLateInteraction
public import SystemPackage

extension Query.Clause {
  /// Reads what `--add`, `--sub` and `--without` take: `[W:]TEXT` or `[W:]FILE`.
  ///
  /// A name of a file that is there means the picture in it, and so does all that begins with `/`,
  /// `./` or `../`. `literal` turns off weights and quotes in a text; `path` makes a path of a name.
  /// - Throws: `QueryError`, with a caret for a text that is not written as queries are.
  public init(
    parsing argument: String, literal: Bool, path: (String) -> FilePath = { FilePath($0) }
  ) throws(QueryError) {
    var (weight, rest) = (1.0, argument)
    if let colon = argument.firstIndex(of: ":"), let number = Self.weight(argument[..<colon]) {
      (weight, rest) = (number, String(argument[argument.index(after: colon)...]))
    }
    let file = path(rest)
    if ["/", "./", "../"].contains(where: rest.hasPrefix) || file.isOrdinaryFile {
      self.init(.image(file, region: nil), weight: weight)
    } else {
      let text = literal ? QueryText(literal: rest) : try QueryParser.parse(rest)
      self.init(.text(text), weight: weight)
    }
  }

  /// The number that a prefix is, if it is one.
  private static func weight(_ prefix: Substring) -> Double? {
    guard !prefix.isEmpty, prefix.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
      let weight = Double(prefix), weight > 0, weight <= QueryParser.largestWeight
    else { return nil }
    return weight
  }
}

extension FilePath {
  fileprivate var isOrdinaryFile: Bool { (try? stat().type) == .regular }
}
