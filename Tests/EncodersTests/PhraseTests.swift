import Testing

@testable import FilipEncoders

@Suite struct PhraseTests {
  private func texts(_ query: String) -> [String] { Phrase.phrases(of: query).map(\.text) }

  @Test func `phrases are the runs of words between stop words and punctuation`() {
    #expect(texts("a red balloon on the table") == ["red balloon", "table"])
    #expect(
      texts("Two dogs, one cat and a man's t-shirt") == [
        "Two dogs", "one cat", "man's t-shirt",
      ])
    #expect(texts("dog") == ["dog"])
    #expect(texts("ein Hund auf dem Strand") == ["ein Hund auf dem Strand"])
    #expect(texts("of the") == [])
    #expect(texts(" -- ") == [])
  }

  @Test func `a text in another script has no phrases`() {
    #expect(texts("红色的气球 on a table") == [])
    #expect(texts("café crème with Việt coffee") == ["café crème", "Việt coffee"])
  }

  @Test func `the prompt keeps the article and the range is that of the words`() {
    let query = "é: The big dog beside Tables"
    let phrases = Phrase.phrases(of: query)
    #expect(
      phrases.map(\.prompt) == [
        "a photo of é", "a photo of the big dog", "a photo of Tables",
      ])
    for phrase in phrases {
      let bytes = Array(query.utf8)[phrase.sourceRange]
      #expect(String(decoding: bytes, as: UTF8.self) == phrase.text)
    }
  }
}
