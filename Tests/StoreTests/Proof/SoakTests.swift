import Foundation
import StoreProof
import TestSupport
import Testing

@testable import FilipStore

/// One process writes, eight search, and every answer is compared with what it must be.
///
/// `FILIP_SOAK_SECONDS` in the environment says how long; 2 seconds otherwise.
@Suite struct SoakTests {
  @Test func `eight readers find what is there while a writer adds and removes`() throws {
    let seconds = ProcessInfo.processInfo.environment["FILIP_SOAK_SECONDS"] ?? "2"
    let folder = try TemporaryDirectory(inMemory: true)
    let (index, stop) = (folder.path + "/index", folder.path + "/stop")
    let seed: UInt64 = 4711
    // Something is there before the readers come.
    var model = StoreModel(seed: seed, shape: .searchable)
    var byteCount = 0
    do {
      let store = try TokenStore.open(at: index, mode: .create)
      for _ in 0..<200 { try model.commit(to: store) }
      byteCount = try store.read { try $0.statistics.fileByteCount }
    }
    let writer = try DriverProcess(
      "soak-write", ["folder": index, "stop": stop, "seed": "\(seed)"])
    let readers = try (1...8).map { number in
      try DriverProcess(
        "soak-read",
        ["folder": index, "seed": "\(seed)", "reader": "\(number)", "seconds": seconds])
    }
    var largestLag = 0
    for (number, reader) in readers.enumerated() {
      let end = reader.wait()
      #expect(!end.isKilled && end.status == 0, "reader \(number + 1): \(end.text)")
      try #expect(value("answers", in: end.text) >= 20)
      largestLag = max(largestLag, try value("lag", in: end.text))
    }
    #expect(FileManager.default.createFile(atPath: stop, contents: nil))
    let end = writer.wait()
    #expect(!end.isKilled && end.status == 0, "writer: \(end.text)")
    // A commit here changes some ten pages, and what the slowest reader might look at is kept.
    let bound = 4 * byteCount + largestLag * 2 * 16 * 4096
    try #expect(value("bytes", in: end.text) <= bound, "lag \(largestLag), \(end.text)")
    let store = try TokenStore.open(at: index, mode: .readOnly)
    let generation = try store.read { try $0.generation }
    #expect(generation > model.generation, "the writer has written")
    model = model.advanced(to: generation)
    try #expect(store.read { try model.differences(from: $0) } == [])
  }

  /// The number behind a word.
  private func value(_ word: Substring, in text: String) throws -> Int {
    let words = text.split { $0 == " " || $0 == "\n" }
    let place = try #require(words.firstIndex(of: word), "\(text)")
    return try #require(Int(words[place + 1]))
  }
}
