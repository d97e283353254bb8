import FilipLateInteraction
import FilipLinearAlgebra
import Testing
import TestSupport

@testable import FilipStore

/// Damage is planted in an index whose content is known, and the index is repaired.
@Suite struct RepairTests {
  /// What an item was before anything was damaged.
  private struct Known {
    var record: ItemRecord
    var tokens: TokenMatrix?
    var pooled: [Float]?
    var scanned: ScannedImage?
  }

  /// What a round of damage may cost at most.
  private struct Harm {
    var records: Set<ItemID> = []
    var tokens: Set<ItemID> = []
    var pooled: Set<ItemID> = []
    var segments: Set<UInt64> = []
    var description: [String] = []
  }

  /// An index with something in every table.
  private final class Index {
    let folder = TemporaryFolder()
    let store: TokenStore
    private(set) var known: [ItemID: Known] = [:]
    private(set) var rows: [[(key: [UInt8], value: [UInt8])]] = []
    private let codebook: ScreenCodebook

    init(_ layout: PlaneLayout) throws {
      store = try TokenStore.open(at: folder.path, mode: .create, layout: layout)
      var generator = SeededGenerator(seed: 1)
      for portion in 0..<3 {
        try store.write { writer in
          for number in 0..<20 {
            let dimension = [16, 24, 40][(number + portion) % 3]
            let long = number % 5 == 0 ? String(repeating: "long/", count: 120) : ""
            var item = image("/\(portion)/\(long)\(number)")
            item.encoderFingerprint = "encoder \(number % 2)"
            // Two items of each content.
            item.contentHash = ContentHash(high: UInt64(number / 2), low: UInt64(portion))
            if number % 4 == 0 {
              item.tags = ["sea", "work \(portion)"].compactMap { ItemTag($0) }.reduce(into: []) {
                $0.insert($1)
              }
            }
            let tokens = generator.tokens(number % 7, dimension)
            let pooled = number % 3 == 0 ? Array(generator.tokens(1, 8).elements) : nil
            if number == 19 {
              try writer.insertUnreadable(item, reason: "it ends early")
            } else {
              try writer.insert(item, tokens: tokens, pooled: pooled)
            }
          }
        }
      }
      // Images die: some are removed, some get other tokens.
      try store.write { writer in
        for id: UInt64 in [3, 24, 47] { try writer.remove(ItemID(rawValue: id)) }
        for path in ["/0/7", "/1/8"] {
          try writer.insert(image(path), tokens: generator.tokens(5, 16))
        }
      }
      var learnt = SeededGenerator(seed: 2)
      let sample = learnt.floats(64 * 16)
      codebook = ScreenCodebook(
        learningFrom: Matrix(sample, rowCount: 64, columnCount: 16), centroidCount: 16,
        tokenCount: 64)
      try addScreens()
      try store.write { writer in try writer.setNote("note", to: [1, 2, 3]) }
      known = try describe()
      rows = try store.read { snapshot in
        try snapshot.tables.all.map { table in
          try snapshot.transaction.withCursor(in: table) { cursor in
            var rows: [(key: [UInt8], value: [UInt8])] = []
            while try cursor.advance() {
              rows.append(cursor.withEntry { (key: Array($0), value: Array($1)) })
            }
            return rows
          }
        }
      }
    }

    private func addScreens() throws {
      try store.write { writer in try writer.setScreenCodebook(codebook) }
      let screens = try store.read { snapshot in
        try snapshot.segmentIDs().map { segment in
          let checksum = try #require(try snapshot.segmentChecksum(segment))
          return try snapshot.withSegment(segment) { plane, _ in
            SegmentScreen(
              segment: segment, segmentChecksum: checksum, codebook: codebook.id,
              bounds: (0...plane.imageCount).map { UInt32(plane.firstToken($0)) },
              codes: (0..<plane.tokenCount).map { UInt16($0 % 16) })
          }
        }
      }
      try store.write { writer in for screen in screens { try writer.putScreen(screen) } }
    }

    func describe() throws -> [ItemID: Known] {
      let scanned = try store.scan().images
      return try store.read { snapshot in
        var known: [ItemID: Known] = [:]
        try snapshot.forEachItem { item in
          known[item.id] = Known(
            record: item, tokens: try snapshot.tokens(of: item.id),
            pooled: try snapshot.pooled(of: item.id), scanned: scanned[item.id])
        }
        return known
      }
    }

    /// Changes rows as a failing disk would, past the writer.
    func change(_ body: (inout WriteTransaction, StoreTables) throws -> Void) throws {
      var transaction = try store.currentLease().environment.beginWrite()
      try body(&transaction, store.currentLease().tables)
      try transaction.commit()
    }

    /// Puts everything back.
    func restore() throws {
      try change { transaction, tables in
        for (table, rows) in zip(tables.all, rows) {
          try transaction.removeAll(in: table)
          for row in rows { try transaction.put(row.value, forKey: row.key, in: table) }
        }
      }
    }

    /// Damages one entry of a table, or adds one that has no business there.
    func plant(_ number: Int, _ generator: inout SeededGenerator, _ harm: inout Harm) throws {
      let name = try store.currentLease().tables.all[number].name
      let spared = ["format", "created-by", "note:note"].map { Array($0.utf8) }
      let candidates = rows[number].filter { !spared.contains($0.key) }
      let way = Int.random(in: 0..<5, using: &generator)
      if candidates.isEmpty || way == 0 && name != "meta" {
        let isNumber = Bool.random(using: &generator)
        let key =
          isNumber
          ? StoreLayout.bigEndian(.random(in: 1000...2000, using: &generator)) : generator.bytes(5)
        // A version that a newer program might have written would be left alone.
        let value = [0] + generator.bytes(.random(in: 0...60, using: &generator))
        try change { transaction, tables in
          try transaction.put(value, forKey: key, in: tables.all[number])
        }
        harm.description.append("\(name) gets \(key)")
        return
      }
      let row = try #require(candidates.randomElement(using: &generator))
      var value: [UInt8]? = row.value
      // That there was a pooled vector, a screen or a segment to go on with, and the dimension of
      // no tokens, stand nowhere else.
      let isOptional =
        ["pooled", "screens"].contains(name) || row.key.starts(with: MetaKey.openSegmentPrefix)
      let isEmptyPlace = name == "places" && row.value.prefix(8).allSatisfy { $0 == 0 }
      switch way {
      case _ where isEmptyPlace: value = nil
      case 1 where !isOptional: value = nil
      case _ where row.value.isEmpty: value = [7]
      case 2: value = Array(row.value.dropLast(.random(in: 1...9, using: &generator)))
      default:
        let position = Int.random(in: 0..<row.value.count, using: &generator)
        value?[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        let isVersion = ["items", "tokens", "pooled", "planes", "screens"].contains(name)
        if position == 0, isVersion || row.key == MetaKey.screenCodebook { value?[0] = 0 }
      }
      try change { transaction, tables in
        if let value {
          try transaction.put(value, forKey: row.key, in: tables.all[number])
        } else {
          try transaction.remove(row.key, in: tables.all[number])
        }
      }
      harm.description.append("\(name) \(row.key) by way \(way)")
      guard row.key.count == 8 else { return }
      let id = ItemID(rawValue: StoreLayout.bigEndian(row.key.span, at: 0))
      switch name {
      case "items": harm.records.insert(id)
      case "tokens": harm.tokens.insert(id)
      case "pooled": harm.pooled.insert(id)
      case "planes": harm.segments.insert(id.rawValue)
      default: break
      }
    }
  }

  /// Audits and repairs until nothing is left to do.
  private func repair(_ store: TokenStore) throws -> [AuditFinding] {
    var all: [AuditFinding] = []
    for _ in 0..<3 {
      let report = try store.read { snapshot in try snapshot.audit() }
      if report.isSound { break }
      all += report.findings
      try store.repair(report)
    }
    try #expect(store.read { snapshot in try snapshot.audit() }.findings.map(\.description) == [])
    return all
  }

  @Test(arguments: [PlaneLayout(), PlaneLayout(bits: .four), PlaneLayout(originals: .none)])
  func `whatever is damaged, a repair loses nothing else`(layout: PlaneLayout) throws {
    let index = try Index(layout)
    try #expect(
      index.store.read { snapshot in try snapshot.audit() }.findings.map(\.description) == [])
    let tableCount = try index.store.currentLease().tables.all.count
    for seed in 0..<UInt64(6 * tableCount) {
      var generator = SeededGenerator(seed: seed)
      var harm = Harm()
      // Every table in turn, then several at once.
      let count = seed < UInt64(3 * tableCount) ? 1 : 5
      for step in 0..<count {
        let table =
          count == 1
          ? Int(seed) % tableCount : (Int(seed) + step * 3) % tableCount
        try index.plant(table, &generator, &harm)
      }
      let comment = Comment(rawValue: "seed \(seed): \(harm.description)")
      let findings = try repair(index.store)
      #expect(!findings.isEmpty, comment)
      check(try index.describe(), index.known, harm, layout, comment)
      // Ids are not given again, and what is new is kept.
      let next = try index.store.write { writer in
        try writer.insert(image("/new"), tokens: smallTokens)
      }
      #expect(index.known.keys.allSatisfy { $0 < next }, comment)
      try #expect(index.store.read { snapshot in try snapshot.audit().isSound }, comment)
      try index.restore()
    }
  }

  private func check(
    _ found: [ItemID: Known], _ known: [ItemID: Known], _ harm: Harm, _ layout: PlaneLayout,
    _ comment: Comment
  ) {
    #expect(Set(found.keys).isSubset(of: known.keys), comment)
    for (id, expected) in known {
      guard let item = found[id] else {
        #expect(harm.records.contains(id), comment)
        continue
      }
      var record = expected.record
      let mayLoseTokens =
        harm.tokens.contains(id) && layout.originals == .f16
        || layout.originals == .none
          && expected.scanned.map {
            harm.segments.contains($0.segment)
          } == true
      if mayLoseTokens, item.tokens == nil {
        record.unreadableReason = item.record.unreadableReason
        record.tokenCount = 0
        #expect(record.unreadableReason?.contains("damaged") == true, comment)
      } else {
        let isEmpty = layout.originals == .none && record.tokenCount == 0
        #expect(
          isEmpty ? item.tokens?.tokenCount ?? 0 == 0 : item.tokens == expected.tokens, comment)
        #expect(item.scanned?.rows == expected.scanned?.rows, comment)
        if !harm.pooled.contains(id) { #expect(item.pooled == expected.pooled, comment) }
      }
      // The name of an encoder may be lost.
      record.encoderFingerprint = item.record.encoderFingerprint
      #expect(item.record == record, comment)
    }
  }

  @Test func `codes and bounds that are not those of the tokens are found behind a right checksum`()
    throws
  {
    let index = try Index(PlaneLayout())
    let segment = try #require(try index.store.read { try $0.segmentIDs() }.first)
    let key = StoreLayout.key(ofSegment: segment)
    let bytes = try #require(
      try index.store.read { snapshot in
        try snapshot.transaction.value(in: snapshot.tables.planes, forKey: key)
      })
    let (blocks, groups) = try index.store.read { snapshot in
      try snapshot.withSegment(segment) { plane, _ in
        ((plane.tokenCount + 15) / 16, plane.groupCount)
      }
    }
    let low = 48 + 64 * groups * blocks
    let scales = low + 64 * groups * blocks
    let reaches = scales + 32 * blocks
    let directory = reaches + 16 * blocks
    // The three bounds, a code of each plane, a scale, a reach, an image's error. Dead images come first:
    // the last token and image are alive.
    let tokens = try index.store.read { snapshot in
      try snapshot.withSegment(segment) { plane, _ in plane.tokenCount }
    }
    let lane = 4 * ((tokens - 1) % 16) + 64 * groups * (blocks - 1)
    let images = try index.store.read { snapshot in
      try snapshot.withSegment(segment) { plane, _ in plane.imageCount }
    }
    for position in [
      19, 23, 27, 48 + lane, low + lane, scales + 2 * (tokens - 1),
      reaches + tokens - 1, directory + 16 * (images - 1) + 12,
    ] {
      var changed = bytes
      // A small number for a bound.
      changed[position] = position < 48 ? 0x30 : changed[position] ^ 1
      SegmentSeal.seal(&changed)
      try index.change { transaction, tables in
        try transaction.put(changed, forKey: key, in: tables.planes)
      }
      let findings = try repair(index.store)
      #expect(
        findings.contains { $0.table == "planes" && $0.remedy == .rebuild },
        "byte \(position) of \(bytes.count)")
      check(
        try index.describe(), index.known, Harm(), PlaneLayout(),
        Comment(rawValue: "byte \(position)"))
      try index.restore()
    }
  }

  @Test func `a damaged number of items forbids writing until it is mended`() throws {
    let index = try Index(PlaneLayout())
    try index.change { transaction, tables in
      try transaction.put([1, 2, 3], forKey: MetaKey.nextItem, in: tables.meta)
    }
    let error = storeError {
      _ = try index.store.write { writer in
        try writer.insert(image("/new"), tokens: smallTokens)
      }
    }
    #expect(error?.code == .damaged)
    #expect(error?.message.contains("filip verify --repair") == true)
    #expect(try repair(index.store).map(\.subject) == ["the next item's number"])
    let id = try index.store.write { writer in
      try writer.insert(image("/new"), tokens: smallTokens)
    }
    #expect(id.rawValue == 61)
  }

  @Test func `a damaged note is reported, and left to whoever wrote it`() throws {
    let index = try Index(PlaneLayout())
    try index.change { transaction, tables in
      try transaction.put([1, 2, 3, 4, 5], forKey: MetaKey.note("note"), in: tables.meta)
    }
    let findings = try index.store.read { snapshot in try snapshot.audit() }.findings
    #expect(findings.map(\.description) == ["the note note: its checksum does not match"])
    #expect(findings.map(\.remedy) == [.none])
  }

  @Test(arguments: [
    PlaneLayout(), PlaneLayout(bits: .four), PlaneLayout(originals: .none),
    PlaneLayout(bits: .four, originals: .none),
  ])
  func `a damaged note of the layout is made anew from what the tables hold`(
    layout: PlaneLayout
  ) throws {
    let folder = TemporaryFolder()
    for damage in [nil, [9], MetaValue.seal([5, 1])] as [[UInt8]?] {
      removeTree(folder.path)
      do {
        let store = try TokenStore.open(at: folder.path, mode: .create, layout: layout)
        try store.write { writer in
          for number in 0..<4 {
            var generator = SeededGenerator(seed: UInt64(number))
            try writer.insert(image("/\(number)"), tokens: generator.tokens(number, 16))
          }
          let tables = writer.tables
          try writer.change { (writer) throws(StoreError) in
            if let damage {
              try writer.transaction.put(damage, forKey: MetaKey.layout, in: tables.meta)
            } else {
              try writer.transaction.remove(MetaKey.layout, in: tables.meta)
            }
          }
        }
      }
      let error = storeError { _ = try TokenStore.open(at: folder.path, mode: .readOnly) }
      #expect(error?.code == .damaged)
      #expect(error?.message.contains("filip verify --repair") == true)
      do {
        let store = try TokenStore.open(
          at: folder.path, mode: .readWrite, options: .infersLayout)
        #expect(store.layout == layout)
        #expect(try repair(store).map(\.subject) == ["the note of the layout"])
      }
      let store = try TokenStore.open(at: folder.path, mode: .readWrite)
      #expect(store.layout == layout)
      #expect(try store.read { try $0.audit().isSound })
      #expect(try store.read { try $0.tokens(of: ItemID(rawValue: 4))?.tokenCount } == 3)
    }
  }

  @Test func `an index that was changed since its audit is not repaired`() throws {
    let index = try Index(PlaneLayout())
    try index.change { transaction, tables in
      try transaction.remove(StoreLayout.key(.first), in: tables.places)
    }
    let report = try index.store.read { snapshot in try snapshot.audit() }
    try index.store.write { writer in try writer.setNote("note", to: nil) }
    #expect(storeError { try index.store.repair(report) }?.code == .busy)
    _ = try repair(index.store)
  }

  @Test func `an audit says how far it has come`() throws {
    let index = try Index(PlaneLayout())
    var seen: [AuditProgress] = []
    let report = try index.store.read { snapshot in try snapshot.audit { seen.append($0) } }
    let last = try #require(seen.last)
    #expect(last.finishedByteCount == last.byteCount && last.byteCount == report.byteCount)
    #expect(report.itemCount == 57 && last.itemCount == 57)
    #expect(report.readableCount == 54)
    // The description is read at the beginning and at the end.
    let sizes = index.rows.map { rows in rows.reduce(0) { $0 + $1.key.count + $1.value.count } }
    #expect(report.byteCount == sizes.reduce(0, +) + sizes[0])
  }
}
