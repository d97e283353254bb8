package import FilipEncoders
public import FilipStore

/// A text of a collection, as its line of a JSONL file says it.
///
/// An index keeps the line as it was read, so that hits can be shown without the file.
public struct TextDocument: Sendable, Hashable {
  /// What is searched and shown.
  public var text: String
  /// What stands above it, if anything; shown, not searched.
  public var title: String?
  /// The name its maker gave it: a text or a whole number, as text.
  public var id: String?
  /// All members of the line.
  package var members: JSONObject

  /// Why a line is no text of a collection, in a few words.
  struct Problem: Error { var text: String }

  /// Reads one line.
  ///
  /// - Throws: what is wrong with it.
  init(line: [UInt8]) throws(Problem) {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: line)
    } catch {
      throw Problem(text: "the line is no JSON: \(error)")
    }
    guard let members = value.object else { throw Problem(text: "the line is no JSON object") }
    guard let text = members["text"]?.string else {
      throw Problem(text: "the line has no member text, or one that is no text")
    }
    self.members = members
    self.text = text
    title = members["title"]?.string
    switch members["id"] {
    case nil, .some(.null): id = nil
    case .some(let value):
      guard let id = value.string ?? value.integer.map({ "\($0)" }), !id.isEmpty,
        !id.utf8.contains(0)
      else { throw Problem(text: "its id is neither a text nor a whole number") }
      self.id = id
    }
  }

  /// The text behind an item; `nil` for an item that is none.
  public init?(_ item: ItemRecord) {
    guard let line = item.document, let document = try? TextDocument(line: line) else {
      return nil
    }
    self = document
  }

  /// The part of the text that some of its UTF-8 bytes are; `nil` when they are outside it.
  public func part(_ bytes: Range<Int>) -> String? {
    let utf8 = Array(text.utf8)
    guard bytes.lowerBound >= 0, bytes.upperBound <= utf8.count else { return nil }
    return String(decoding: utf8[bytes], as: UTF8.self)
  }
}
