public import FilipLateInteraction

// Replaced by the real types at the merge.
public struct PreparedImage: Sendable {
  public let width: Int
  public let height: Int
  public let values: [Float]
  public let region: PixelRegion
}
package protocol TextTokenizer: Sendable {
  func tokenize(_ text: String, limit: Int) -> TokenSequence
  var startTokenID: Int32? { get }
  var endTokenID: Int32? { get }
  var vocabularyCount: Int { get }
}
package struct TokenSequence: Sendable, Hashable {
  package var ids: [Int32]
  package var wordIndices: [Int?]
  package var words: [TokenizedWord]
}
package struct TokenizedWord: Sendable, Hashable {
  package var text: String
  package var sourceRange: Range<Int>?
}
struct BytePairTokenizer: TextTokenizer {
  init(directory: String) throws(EncoderError) {}
  func tokenize(_ text: String, limit: Int) -> TokenSequence { fatalError() }
  var startTokenID: Int32? { nil }
  var endTokenID: Int32? { nil }
  var vocabularyCount: Int { 0 }
}
public struct PreprocessorConfiguration: Sendable, Hashable {}
