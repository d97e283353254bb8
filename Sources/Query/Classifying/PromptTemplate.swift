public import SystemPackage

/// A sentence with a place for a label: `a photo of a {}.`
public struct PromptTemplate: Sendable, Hashable {
  /// As written, with `{}` once.
  public let text: String
  private let before: String
  private let after: String

  /// A sentence with `{}` once.
  /// - Throws: `QueryError.malformedQuery` for any other.
  public init(_ text: String) throws(QueryError) {
    let parts = Self.parts(of: text)
    guard parts.count == 2 else {
      throw QueryError(
        .malformedQuery,
        "\(text): a template has {} once, where the label goes, such as: a photo of a {}")
    }
    self.init(text: text, before: parts[0], after: parts[1])
  }

  /// `prefix {}, description. suffix.`, the form of FILIP's prompts (section 3.1 and appendix); an
  /// empty description or suffix is left out.
  init(prefix: String, description: String, suffix: String) {
    let before = prefix + " "
    let after =
      (description.isEmpty ? "" : ", \(description)") + "."
      + (suffix.isEmpty ? "" : " \(suffix).")
    self.init(text: before + "{}" + after, before: before, after: after)
  }

  private init(text: String, before: String, after: String) {
    (self.text, self.before, self.after) = (text, before, after)
  }

  /// What FILIP shows its alignments with, and the default: `a photo of a {}`.
  public static let photo = PromptTemplate(
    text: "a photo of a {}", before: "a photo of a ", after: "")

  /// The sentence about a label.
  public func text(for label: String) -> String { before + label + after }

  /// The templates of a file, one a line; blank lines are passed over.
  /// - Throws: `QueryError` when it cannot be read, holds none, or a line is no template.
  public static func templates(in path: FilePath) throws(QueryError) -> [PromptTemplate] {
    var templates: [PromptTemplate] = []
    try forEachTextLine(of: path) { (line, number) throws(QueryError) in
      let parts = parts(of: line)
      guard parts.count == 2 else {
        throw QueryError(
          .malformedQuery,
          "\(path), line \(number): a template has {} once, where the label goes")
      }
      templates.append(PromptTemplate(text: line, before: parts[0], after: parts[1]))
    }
    guard !templates.isEmpty else {
      throw QueryError(.malformedQuery, "\(path): there is no template in it; write one a line")
    }
    return templates
  }

  /// What stands before, between and behind the places for a label.
  private static func parts(of text: String) -> [String] {
    var parts = [""]
    var rest = text[...]
    while let character = rest.first {
      if rest.hasPrefix("{}") {
        parts.append("")
        rest = rest.dropFirst(2)
      } else {
        parts[parts.count - 1].append(character)
        rest = rest.dropFirst()
      }
    }
    return parts
  }
}
