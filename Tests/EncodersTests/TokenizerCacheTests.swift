import Foundation
import TestSupport
import Testing

@testable import FilipEncoders

@Suite struct TokenizerCacheTests {
  static let texts = ["a red balloon, 12 ½", "红色的气球", "👍🏽 <eos> x", "zzzqqq"]

  /// A tokenizer of the fixtures as a document.
  func document(_ name: String) throws -> TokenizerDocument {
    let file = try TokenizerFamily.path(name) + "/tokenizer.json"
    return try TokenizerDocument(
      parsing: Array(Data(contentsOf: URL(filePath: file))), file: file)
  }

  func ids(_ document: TokenizerDocument) throws -> [[Int32]] {
    let tokenizer = try SubwordTokenizer(document, file: "", settings: nil)
    return Self.texts.map { tokenizer.tokenize($0, limit: 1000).ids }
  }

  static let source = TokenizerDocument.Source(size: 5, high: 6, low: 7)

  func reread(
    _ bytes: [UInt8], from source: TokenizerDocument.Source = source
  ) -> TokenizerDocument? {
    bytes.withUnsafeBytes { TokenizerDocument(compiled: $0, from: source) }
  }

  @Test(arguments: ["siglip2", "minilm", "modernbert", "t5"])
  func `a compiled tokenizer is the tokenizer`(name: String) throws {
    let document = try document(name)
    let copy = try #require(reread(document.compiled(from: Self.source)))
    #expect(copy.components == document.components)
    #expect(copy.model == document.model)
    #expect(copy.scores == document.scores)
    #expect(try ids(copy) == ids(document))
  }

  @Test func `a compiled tokenizer of another file or version is not read`() throws {
    let bytes = try document("t5").compiled(from: Self.source)
    #expect(reread(bytes, from: .init(size: 4, high: 6, low: 7)) == nil)
    #expect(reread(bytes, from: .init(size: 5, high: 5, low: 7)) == nil)
    #expect(reread(bytes, from: .init(size: 5, high: 6, low: 8)) == nil)
    for position in stride(from: 0, to: bytes.count, by: 97) {
      var damaged = bytes
      damaged[position] ^= 0x10
      #expect(reread(damaged) == nil, "byte \(position)")
      #expect(reread(Array(bytes[..<position])) == nil)
    }
  }

  @Test(arguments: ["siglip2", "t5"])
  func `damage that its checksum does not show is no trap`(name: String) throws {
    let bytes = Array(try document(name).compiled(from: Self.source)[64...])
    var generator = SeededGenerator(seed: 11)
    var readCount = 0
    for round in 0..<1500 {
      var damaged = bytes
      for _ in 0...round % 3 {
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        damaged[position] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
      }
      if round % 5 == 0 { damaged.removeLast(Int.random(in: 1...bytes.count, using: &generator)) }
      guard let document = damaged.withUnsafeBytes({ TokenizerDocument(sections: $0) }) else {
        continue
      }
      readCount += 1
      if let tokenizer = try? SubwordTokenizer(document, file: "", settings: nil) {
        for text in Self.texts { _ = tokenizer.tokenize(text, limit: 50) }
      }
    }
    // Letters of tokens may change; indices may not.
    #expect(readCount > 0 && readCount < 1500)
  }

  @Test func `a cache is filled, used, and made anew when it is damaged`() throws {
    let folder = try TemporaryDirectory()
    let source = folder.path + "/tokenizer.json"
    // As large as files have to be to be kept.
    let spaces = String(repeating: " ", count: TokenizerCache.sourceByteMinimum)
    let json = try String(
      contentsOfFile: TokenizerFamily.path("t5") + "/tokenizer.json", encoding: .utf8)
    try (json + spaces).write(toFile: source, atomically: true, encoding: .utf8)
    let cacheFolder = folder.path + "/a/b"
    let cache = TokenizerCache(folder: cacheFolder)
    let expected = try SubwordTokenizer(directory: folder.path)
    func check() throws {
      let tokenizer = try SubwordTokenizer(directory: folder.path, cache: cache)
      for text in Self.texts {
        #expect(tokenizer.tokenize(text, limit: 99) == expected.tokenize(text, limit: 99))
      }
    }
    try check()
    let names = try FileManager.default.contentsOfDirectory(atPath: cacheFolder)
    #expect(names.count == 1)
    let kept = URL(filePath: cacheFolder + "/" + names[0])
    let bytes = try Data(contentsOf: kept)
    // What is kept is what is used: another tokenizer in its place shows.
    let other = try document("minilm").compiled(from: .init(MappedFile(path: source)))
    try Data(other).write(to: kept)
    #expect(
      try SubwordTokenizer(directory: folder.path, cache: cache).tokenize("a", limit: 99).ids
        != expected.tokenize("a", limit: 99).ids)
    for damaged in [Data(), bytes.prefix(bytes.count / 2), bytes + Data([0])] {
      try damaged.write(to: kept)
      try check()
      #expect(try Data(contentsOf: kept).count == bytes.count)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: cacheFolder).count == 1)
  }

  @Test func `without a place for it, there is no cache and no error`() throws {
    let folder = try TemporaryDirectory()
    let file = folder.path + "/file"
    try Data().write(to: URL(filePath: file))
    let cache = TokenizerCache(folder: file + "/cache")
    let document = try TokenizerCache.document(
      of: TokenizerFamily.path("siglip") + "/spiece.model", in: cache
    ) { () throws(TokenizerError) in TokenizerDocument() }
    #expect(document.components.count == 0)
  }
}

@Suite struct SentencePieceFileTests {
  @Test(arguments: ["siglip/spiece.model", "tips/tokenizer.model"])
  func `a damaged model file is an error or another model, never a trap`(name: String) throws {
    let bytes = try Array(Data(contentsOf: URL(filePath: TokenizerFamily.path(name))))
    let file = try #require(SentencePieceFile(bytes: bytes))
    #expect(file.pieces.count > 500)
    #expect(SentencePieceFile(bytes: []) == nil)
    var generator = SeededGenerator(seed: 12)
    for _ in 0..<150 {
      var damaged = bytes
      let position = Int.random(in: 0..<bytes.count, using: &generator)
      damaged[position] = UInt8.random(in: 0...255, using: &generator)
      _ = SentencePieceFile(bytes: damaged)
      let cut = Array(bytes[..<position])
      if let part = SentencePieceFile(bytes: cut) {
        #expect(part.pieces.count <= file.pieces.count)
      }
    }
  }

  @Test func `a table of replacements is only followed inside its bytes`() throws {
    let bytes = try Array(
      Data(contentsOf: URL(filePath: TokenizerFamily.path("tips/tokenizer.model"))))
    let map = try #require(SentencePieceFile(bytes: bytes)?.charsMap)
    let text = SourceScalar.scalars(of: "ﬁ ｆ½ e\u{301}①x㍿")
    var generator = SeededGenerator(seed: 13)
    for _ in 0..<2000 {
      var damaged = map
      damaged[Int.random(in: 0..<map.count, using: &generator)] = UInt8.random(
        in: 0...255, using: &generator)
      guard let table = CharsMap(bytes: damaged) else { continue }
      _ = TextNormalizer.apply(table, to: text)
      _ = SentencePieceNormalization(
        charsMap: table, addsPrefix: true, removesExtraSpaces: true, escapesSpaces: true
      ).normalize(text)
    }
    #expect(CharsMap(bytes: []) == nil)
    #expect(CharsMap(bytes: [4, 0, 0, 0, 1, 2]) == nil)
    #expect(base64Bytes(base64Text(map)) == map)
    #expect(base64Bytes("AAA") == nil)
    #expect(base64Bytes("A=AA") == nil)
  }
}
