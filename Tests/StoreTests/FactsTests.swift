import FilipLateInteraction
import Testing
import TestSupport

@testable import FilipStore

@Suite struct FactsTests {
  let folder = TemporaryFolder()
  let store: TokenStore

  init() throws {
    store = try TokenStore.open(at: folder.path, mode: .create)
  }

  /// Skips ids, so that few items lie in many blocks.
  private func skipIDs(_ count: UInt64) throws {
    try store.write { writer in
      try writer.change { (writer) throws(StoreError) in writer.nextItem += count }
    }
  }

  private func record(_ path: String, _ generator: inout SeededGenerator) -> ItemRecord {
    var item = generator.record(path: Array(path.utf8))
    item.id = .unassigned
    item.unreadableReason = nil
    item.format = ["jpeg", "heic", "JPEG", nil].randomElement(using: &generator)!
    item.fileSize = UInt64.random(in: 0...9, using: &generator)
    item.width = UInt32.random(in: 0...3, using: &generator)
    item.height = UInt32.random(in: 0...3, using: &generator)
    item.modificationTime = Int64.random(in: -2...20, using: &generator)
    if item.takenTime != nil { item.takenTime = Int64.random(in: -2...20, using: &generator) }
    item.tags.remove(ItemTag("work")!)
    return item
  }

  /// A filter with a random choice of conditions, and the same said of records.
  private func condition(
    _ generator: inout SeededGenerator
  ) -> (filter: FactFilter, passes: (ItemRecord) -> Bool) {
    var filter = FactFilter()
    var conditions: [(ItemRecord) -> Bool] = []
    if Bool.random(using: &generator) {
      let start = Int64.random(in: -3...18, using: &generator)
      filter.times = start..<start + Int64.random(in: 0...10, using: &generator)
      conditions.append { [times = filter.times!] in
        if let taken = $0.takenTime { return times.contains(taken) }
        return $0.modificationTime != 0 && times.contains($0.modificationTime)
      }
    }
    if Bool.random(using: &generator) {
      filter.fileSizes = 2...UInt64.random(in: 2...9, using: &generator)
      conditions.append { [sizes = filter.fileSizes!] in sizes.contains($0.fileSize) }
    }
    if Bool.random(using: &generator) {
      (filter.minimumWidth, filter.minimumHeight) = (1, 2)
      conditions.append { $0.width >= 1 && $0.height >= 2 }
    }
    if Bool.random(using: &generator) {
      filter.formats = ["jpeg", "png"]
      conditions.append { $0.format == "jpeg" }
    }
    switch Int.random(in: 0...5, using: &generator) {
    case 0:
      filter.orientation = .portrait
      conditions.append { $0.width > 0 && $0.height > $0.width }
    case 1:
      filter.orientation = .landscape
      conditions.append { $0.height > 0 && $0.width > $0.height }
    case 2:
      filter.orientation = .square
      conditions.append { $0.width == $0.height && $0.width > 0 }
    case 3:
      filter.flags = [.camera]
      conditions.append { $0.camera != nil || $0.lens != nil }
    case 4:
      filter.flags = [.place, .tags]
      conditions.append { $0.place != nil && !$0.tags.isEmpty }
    default: break
    }
    return (filter, { item in conditions.allSatisfy { $0(item) } })
  }

  private func ids(_ set: ItemSet) -> [ItemID] {
    var ids: [ItemID] = []
    set.forEach { ids.append($0) }
    #expect(ids.count == set.count && ids.allSatisfy(set.contains))
    return ids
  }

  /// Compares facts, tags and filters with the records.
  private func check(_ generator: inout SeededGenerator, _ place: String) throws {
    try store.read { snapshot in
      var items: [ItemRecord] = []
      try snapshot.forEachItem { items.append($0) }
      for item in items {
        let facts = try #require(try snapshot.facts(of: item.id), "\(place): \(item.id)")
        #expect(facts.flags.contains(.tokens) == (item.unreadableReason == nil), "\(place)")
        #expect(facts.kind == item.kind.rawValue, "\(place)")
      }
      for _ in 0..<4 {
        let (filter, passes) = condition(&generator)
        let found = ids(try snapshot.items(passing: filter))
        #expect(found == items.filter(passes).map(\.id), "\(place): \(filter)")
      }
      var counts: [ItemTag: Int] = [:]
      for tag in Set(items.flatMap(\.tags)) {
        let tagged = items.filter { $0.tags.contains(tag) }.map(\.id)
        #expect(ids(try snapshot.items(tagged: tag)) == tagged, "\(place): \(tag)")
        counts[tag] = tagged.count
      }
      let listed = try snapshot.tagCounts()
      #expect(listed.map(\.tag) == counts.keys.sorted(), "\(place)")
      #expect(listed.allSatisfy { counts[$0.tag] == $0.itemCount }, "\(place)")
      #expect(try snapshot.audit().isSound, "\(place)")
    }
  }

  @Test(arguments: 0..<6 as Range<UInt64>)
  func `facts and tags follow every change of the records`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: 100 + seed)
    let words = ["sea", "work", "a b"].map { ItemTag($0)! }
    for step in 0..<60 {
      var live: [ItemID] = []
      try store.read { snapshot in try snapshot.forEachItem { live.append($0.id) } }
      if step % 7 == 0 { try skipIDs(UInt64.random(in: 0...1_500, using: &generator)) }
      try store.write { writer in
        for _ in 0..<Int.random(in: 1...8, using: &generator) {
          let path = "/\(Int.random(in: 0...60, using: &generator))"
          let known = live.randomElement(using: &generator)
          let exists = try known.map { try writer.item($0) != nil } ?? false
          switch (Int.random(in: 0...7, using: &generator), known) {
          case (0, let id?) where exists: try writer.remove(id)
          case (1, let id?) where exists:
            try writer.rename(
              id, to: Array(path.utf8), root: nil, fileSize: 3, modificationTime: 4)
          case (2, let id?) where exists: try writer.touch(id, fileSize: 5, modificationTime: 6)
          case (3, let id?) where exists:
            try writer.tag(
              id, adding: [words.randomElement(using: &generator)!],
              removing: [words.randomElement(using: &generator)!])
          case (4, let id?) where exists:
            var item = record(path, &generator)
            item.id = id
            try writer.replace(item, tokens: smallTokens)
          case (5, _):
            try writer.insertUnreadable(record(path, &generator), reason: "it ends early")
          default: try writer.insert(record(path, &generator), tokens: smallTokens)
          }
        }
      }
      if step % 5 == 4 { try check(&generator, "seed \(seed), step \(step)") }
    }
    var live: [ItemID] = []
    try store.read { snapshot in try snapshot.forEachItem { live.append($0.id) } }
    #expect(Set(live.map { FactBlock.position(of: $0).block }).count > 1)
    try store.write { writer in for id in live { try writer.remove(id) } }
    let tables = try store.read { try $0.statistics.tables }
    #expect(tables.filter { ["facts", "tags"].contains($0.name) }.map(\.entryCount) == [0, 0])
  }

  @Test func `a write over many blocks keeps few in memory and all in step`() throws {
    for number in 0..<150 {
      try store.write { writer in
        try writer.insert(image("/\(number)"), tokens: smallTokens)
        try writer.change { (writer) throws(StoreError) in writer.nextItem += 1_024 }
      }
    }
    try store.write { writer in
      for number in 0..<150 {
        let known = try #require(try writer.item(forPath: Array("/\(number)".utf8)))
        try writer.touch(known.id, fileSize: UInt64(number), modificationTime: 7)
        #expect(writer.facts.count <= 64)
      }
    }
    var generator = SeededGenerator(seed: 5)
    try check(&generator, "150 blocks")
    let tables = try store.read { try $0.statistics.tables }
    #expect(tables.first { $0.name == "facts" }?.entryCount == 150)
  }

  // MARK: - What stays with an item

  @Test func `tags survive all that happens to a file`() throws {
    let (sea, work) = (ItemTag("sea")!, ItemTag("work")!)
    let id = try store.write { writer in
      let id = try writer.insert(image("/a"), tokens: smallTokens)
      #expect(try writer.tag(id, adding: [sea, work]))
      #expect(try !writer.tag(id, adding: [sea]))
      #expect(try writer.tag(id, removing: [work]))
      return id
    }
    func check(_ what: String, _ tags: Set<ItemTag>? = nil) throws {
      let expected = tags ?? [sea]
      try store.read { snapshot in
        let found = try snapshot.item(id)?.tags
        let listed = try snapshot.tagCounts().map(\.tag)
        let damage = try snapshot.audit().findings
        #expect(found == expected && listed == expected.sorted() && damage.isEmpty, "\(what)")
      }
    }
    try check("tagged")
    try store.write { try $0.insert(image("/a"), tokens: smallTokens) }
    try check("replaced by path")
    try store.write { try $0.insertUnreadable(image("/a"), reason: "it ends early") }
    try check("unreadable")
    try store.write { try $0.insert(image("/a"), tokens: smallTokens) }
    try check("readable again")
    try store.write { writer in
      var item = image("/b")
      item.id = id
      item.tags = [work]
      try writer.replace(item, tokens: smallTokens)
    }
    try check("replaced by id, with another tag", [sea, work])
    try store.write { writer in
      try writer.rename(id, to: Array("/c".utf8), root: nil, fileSize: 1, modificationTime: 1)
      try writer.touch(id, fileSize: 2, modificationTime: 2)
      try writer.tag(id, removing: [work])
    }
    try check("renamed and touched")
    // A record that cannot be read: its tags are in their own table.
    try store.write { writer in
      try writer.change { (writer) throws(StoreError) in
        try writer.transaction.put([3, 1], forKey: StoreLayout.key(id), in: writer.tables.items)
      }
      #expect(try writer.insert(image("/c"), tokens: smallTokens) == id)
    }
    try check("replaced when damaged")
    try store.write { writer in
      try writer.change { (writer) throws(StoreError) in
        try writer.transaction.put([3, 1], forKey: StoreLayout.key(id), in: writer.tables.items)
      }
      try writer.remove(id)
    }
    #expect(try store.read { try $0.tagCounts() }.isEmpty)
  }

  @Test func `a user's field of a later program stays when the file is replaced`() throws {
    let id = try store.write { writer in
      var item = image("/a")
      item.laterFields = [150: [1], 200: [2]]
      return try writer.insert(item, tokens: smallTokens)
    }
    try store.write { try $0.touch(id, fileSize: 2, modificationTime: 2) }
    #expect(try store.read { try $0.item(id)?.laterFields } == [150: [1], 200: [2]])
    try store.write { try $0.insert(image("/a"), tokens: smallTokens) }
    #expect(try store.read { try $0.item(id)?.laterFields } == [200: [2]])
  }

  // MARK: - Damage

  private func change(_ bytes: [UInt8]?, of block: UInt64) throws {
    try store.write { writer in
      try writer.change { (writer) throws(StoreError) in
        let key = StoreLayout.bigEndian(block)
        if let bytes {
          try writer.transaction.put(bytes, forKey: key, in: writer.tables.facts)
        } else {
          try writer.transaction.remove(key, in: writer.tables.facts)
        }
      }
    }
  }

  @Test func `damaged facts are found, refused, and made anew by the next change`() throws {
    try store.write { writer in
      for number in 1...20 { try writer.insert(image("/\(number)"), tokens: smallTokens) }
    }
    let sound = try store.read { snapshot in
      try #require(
        try snapshot.transaction.value(
          in: snapshot.tables.facts, forKey: StoreLayout.bigEndian(0)))
    }
    var generator = SeededGenerator(seed: 3)
    let positions =
      Array(0..<80)
      + (0..<60).map { _ in Int.random(in: 80..<sound.count, using: &generator) }
    for position in positions {
      var bytes = sound
      bytes[position] ^= 1 << UInt8.random(in: 0...7, using: &generator)
      try change(bytes, of: 0)
      try store.read { snapshot in
        let damage = try snapshot.damagedItems()
        #expect(damage == [.unassigned], "byte \(position)")
        let error = storeError { _ = try snapshot.items(passing: FactFilter()) }
        #expect(
          error?.code == .damaged || (position == 0 && error?.code == .formatTooNew),
          "byte \(position)")
      }
    }
    for damaged in [nil, Array(sound.dropLast()), []] {
      try change(damaged, of: 0)
      #expect(try store.read { try $0.damagedItems() } == [.unassigned])
      try store.write { try $0.touch(.first, fileSize: 10, modificationTime: 20) }
      try check(&generator, "made anew")
    }
    try change(sound, of: 9)
    #expect(try store.read { try $0.damagedItems() } == [.unassigned])
    try change(nil, of: 9)

    // Sound bytes that say something else than the records.
    var block = try FactBlock(sound.span)
    block[7]?.width = 77
    block[9] = nil
    block[300] = block[8]
    try change(block.sealed(), of: 0)
    let found = try store.read { try $0.damagedItems() }.map(\.rawValue)
    #expect(found == [7, 9, 300])
  }

  @Test func `tags that differ from the records are found`() throws {
    let tag = ItemTag("sea")!
    try store.write { writer in
      for number in 1...3 { try writer.insert(image("/\(number)"), tokens: smallTokens) }
      try writer.tag(.first, adding: [tag])
    }
    func put(_ key: [UInt8], isThere: Bool) throws {
      try store.write { writer in
        try writer.change { (writer) throws(StoreError) in
          if isThere {
            try writer.transaction.put([], forKey: key, in: writer.tables.tags)
          } else {
            try writer.transaction.remove(key, in: writer.tables.tags)
          }
        }
      }
    }
    func damage() throws -> [UInt64] { try store.read { try $0.damagedItems() }.map(\.rawValue) }
    #expect(try damage().isEmpty)
    try put(StoreLayout.key(tag, .first), isThere: false)
    #expect(try damage() == [1])
    try put(StoreLayout.key(tag, .first), isThere: true)
    for id: UInt64 in [2, 99] {
      try put(StoreLayout.key(tag, ItemID(rawValue: id)), isThere: true)
      #expect(try damage() == [id])
      try put(StoreLayout.key(tag, ItemID(rawValue: id)), isThere: false)
    }
    try put([1, 2, 3], isThere: true)
    #expect(try damage() == [0])
  }

  @Test func `an impossible id is refused before memory is taken for it`() throws {
    try store.write { writer in
      try writer.change { (writer) throws(StoreError) in writer.nextItem = 1 << 40 }
      try writer.insert(image("/a"), tokens: smallTokens)
    }
    try store.read { snapshot in
      #expect(storeError { _ = try snapshot.emptyItemSet() }?.code == .damaged)
    }
  }
}
