import FilipLateInteraction
import Foundation
import TestSupport
import Testing

@testable import FilipStore

@Suite struct VerifyTests {
  let program: Program

  init() throws { program = try Program() }

  /// Changes entries of the index past the writer, as a failing disk would.
  private func damage(_ body: (inout WriteTransaction, StoreTables) throws -> Void) throws {
    let store = try TokenStore.open(at: program.index, mode: .readWrite)
    var transaction = try store.currentLease().environment.beginWrite()
    try body(&transaction, store.currentLease().tables)
    try transaction.commit()
  }

  private func key(_ number: UInt64) -> [UInt8] { StoreLayout.key(ItemID(rawValue: number)) }

  private func findings(_ outcome: Program.Outcome) throws -> [[String: Any]] {
    let document = try #require(
      try JSONSerialization.jsonObject(with: outcome.output) as? [String: Any])
    #expect(document["schema"] as? String == "filip.verify/1")
    return try #require(document["findings"] as? [[String: Any]])
  }

  @Test func `a damaged note of the layout keeps nobody but a repair from opening the index`()
    throws
  {
    let pictures = try program.pictures(3)
    try program.run("index", pictures, "--originals", "none")
    let before = try program.run("search", "small balloon", in: pictures)
    try damage { transaction, tables in
      try transaction.put([1, 2], forKey: MetaKey.layout, in: tables.meta)
    }
    for command in [["search", "small balloon"], ["status"], ["index", pictures]] {
      let refused = try program.run(command)
      #expect(refused.status == 65, "\(command)")
      #expect(refused.messages.contains("filip verify --repair"), "\(refused.messages)")
    }
    let found = try program.run("verify")
    #expect(found.status == 65)
    #expect(found.lines.map { $0.hasPrefix("meta: the note of the layout: ") } == [true])
    let mended = try program.run("verify", "--repair")
    #expect(mended.status == 0 && mended.lines.count == 1, "\(mended.text)")
    #expect(try program.run("search", "small balloon", in: pictures).text == before.text)
    #expect(try program.run("status").text.contains("originals none"))
  }

  @Test func `damage is named and mended, and the other images are found as before`() throws {
    let pictures = try program.pictures(12)
    try program.run("index", pictures)
    let before = try program.run("search", "small balloon", "-k", "12", in: pictures)
    #expect(before.lines.count == 12)
    let sound = try program.run("verify", in: pictures)
    #expect(sound.status == 0 && sound.text == "", "\(sound.text)")
    #expect(sound.messages.contains("sound: 12 items"), "\(sound.messages)")

    try damage { transaction, tables in
      // One record, the tokens of one image, a code of all of them, one place.
      try transaction.put([2, 3, 4, 5, 6, 7, 8, 9], forKey: key(3), in: tables.items)
      var tokens = try #require(try transaction.value(in: tables.tokens, forKey: key(5)))
      tokens[tokens.count / 2] ^= 4
      try transaction.put(tokens, forKey: key(5), in: tables.tokens)
      var segment = try #require(try transaction.value(in: tables.planes, forKey: key(1)))
      segment[100] ^= 1
      try transaction.put(segment, forKey: key(1), in: tables.planes)
      try transaction.remove(key(7), in: tables.places)
    }
    let found = try program.run("verify", in: pictures)
    #expect(found.status == 65)
    #expect(found.messages.contains("mend what can be mended: filip verify --repair"))
    #expect(
      found.lines.contains {
        $0.hasPrefix("items: the record of item 3 (scene-0003.png): ")
          && $0.contains("removed; the next filip index finds its file as a new one")
      }, "\(found.text)")
    #expect(found.lines.contains { $0.hasPrefix("tokens: the tokens of item 5 (scene-0005.") })
    let json = try program.run("verify", "--json", "-q", in: pictures)
    #expect(json.status == 65 && json.messages == "")
    let segments = try findings(json).filter { $0["segment"] as? Int == 1 && $0["id"] == nil }
    #expect(segments.count == 1 && segments.first?["remedy"] as? String == "rebuild")
    #expect(try findings(json).allSatisfy { $0["mended"] as? Bool == false })

    let mended = try program.run("verify", "--repair", in: pictures)
    #expect(mended.status == 0, "\(mended.text) \(mended.messages)")
    #expect(mended.messages.contains("1 items removed, 1 to be indexed again"))
    #expect(mended.messages.contains("sound: 11 items"))
    #expect(try program.run("verify", in: pictures).status == 0)

    // All but the two images whose data were damaged are found with the scores they had.
    let after = try program.run("search", "small balloon", "-k", "12", in: pictures)
    let rest = before.lines.filter { !$0.contains("scene-0003") && !$0.contains("scene-0005") }
    #expect(after.lines == rest)
    let failed = try program.run("list", "--failed", in: pictures)
    #expect(failed.lines.count == 1 && failed.text.contains("its tokens were damaged"))

    // The next run brings both back.
    let again = try program.run("index", pictures)
    #expect(again.messages.contains("10 unchanged; 0 unreadable"), "\(again.messages)")
    let whole = try program.run("search", "small balloon", "-k", "12", in: pictures)
    #expect(whole.lines == before.lines)
  }

  @Test func `a damaged measurement is dropped, and damaged notes of the model come back`() throws {
    let pictures = try program.pictures(3)
    try program.run("index", pictures)
    try damage { transaction, tables in
      for name in ["cascade-recall", "text-fingerprint", "model"] {
        try transaction.put([1, 2, 3, 4, 5], forKey: MetaKey.note(name), in: tables.meta)
      }
      let number = MetaKey.fingerprint(1)
      try transaction.put([1, 2, 3, 4, 5], forKey: number, in: tables.meta)
    }
    #expect(try program.run("verify").status == 65)
    // The index cannot be searched, for its model is not known.
    let search = try program.run("search", "dog")
    #expect(search.status == 65 && search.messages.contains("filip verify --repair"))
    let mended = try program.run("verify", "--repair")
    #expect(mended.status == 0, "\(mended.text) \(mended.messages)")
    #expect(mended.lines.count == 4, "\(mended.text)")
    #expect(try program.run("verify").status == 0)
    #expect(try program.run("search", "dog").lines.count == 3)
    #expect(try program.run("index", pictures).messages.contains("3 unchanged"))
  }

  @Test func `a note that only its owner knows is left alone`() throws {
    let pictures = try program.pictures(3)
    try program.run("index", pictures, "--dimension", "64")
    try damage { transaction, tables in
      try transaction.put([1, 2, 3, 4, 5], forKey: MetaKey.note("projection"), in: tables.meta)
    }
    let mended = try program.run("verify", "--repair")
    #expect(mended.status == 65)
    #expect(mended.lines.count == 1 && mended.text.contains("the note projection"))
    #expect(mended.text.contains("cannot be mended; rebuild the index: filip index --force"))
  }

  @Test func `an index that another process writes is verified, not repaired`() throws {
    let pictures = try program.pictures(2)
    try program.run("index", pictures)
    let writer = try TokenStore.open(at: program.index, mode: .readWrite)
    #expect(try program.run("verify").status == 0)
    let refused = try program.run("verify", "--repair")
    #expect(refused.status == 75, "\(refused.messages)")
    #expect(try writer.read { snapshot in try snapshot.itemCount } == 2)
    #expect(try program.run("verify", "--index", program.folder.path + "/none").status == 66)
  }
}
