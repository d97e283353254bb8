import FilipLateInteraction

extension Writer {
  /// Takes steps of one rank; `lost` are the segments that are removed in the end.
  mutating func repair(
    _ steps: ArraySlice<RepairAction>, lost: Set<UInt64>, encoder: String?
  ) throws {
    // A damaged counter forbids every other write; this one mends it, or leaves the index as it is.
    failure = nil
    try change { (writer) throws(StoreError) in
      for step in steps {
        if case .nameEncoder(let number) = step {
          try writer.nameEncoder(number, encoder)
        } else {
          try writer.take(step, lost: lost)
        }
      }
    }
  }

  private mutating func take(_ step: RepairAction, lost: Set<UInt64>) throws(StoreError) {
    switch step {
    case .setCounter(let key, let value): try setCounter(key, to: value)
    case .setLayout:
      try transaction.put(tables.layout.bytes, forKey: MetaKey.layout, in: tables.meta)
    case .nameEncoder: break
    case .dropNote(let key): try transaction.remove(key, in: tables.meta)
    case .dropEntry(let table, let key): try transaction.remove(key, in: table)
    case .dropPath(let key, let id): try dropPath(key, id)
    case .dropScreens:
      try transaction.removeAll(in: tables.screens)
      try transaction.remove(MetaKey.screenCodebook, in: tables.meta)
    case .leavePlane(let id): try leavePlane(id, lost: lost)
    case .setPlace(let id, let place): try put(place, of: id)
    case .listDead(let segment): try listDead(segment)
    case .link(let id): try link(id)
    case .eraseItem(let id):
      try leavePlane(id, lost: lost)
      try erase(id)
    case .dropTokens(let id):
      guard var item = try intactItem(id) else { return }
      try leavePlane(id, lost: lost)
      item.unreadableReason = "its tokens were damaged; index or import it again"
      try store(item, tokens: nil, pooled: nil)
    case .encode(let id): try encode(id, lost: lost)
    case .eraseSegment(let segment): try eraseSegment(segment)
    case .makeFacts(let block): facts[block] = try factBlockOfRecords(block)
    }
  }

  private mutating func setCounter(_ key: [UInt8], to value: UInt64) throws(StoreError) {
    if key == MetaKey.nextItem { nextItem = max(nextItem, value) }
    try put(value, forKey: key)
  }

  /// Gives an encoder its name again; one that no encoder has where that cannot be known.
  private mutating func nameEncoder(_ number: UInt32, _ known: String?) throws(StoreError) {
    let lost = MetaKey.lostFingerprint(number)
    let name = known.flatMap { fingerprintsByNumber.values.contains($0) ? nil : $0 } ?? lost
    try transaction.put(
      MetaValue.seal(Array(name.utf8)), forKey: MetaKey.fingerprint(number), in: tables.meta)
    fingerprintsByNumber[number] = name
  }

  private mutating func dropPath(_ key: [UInt8], _ id: ItemID) throws(StoreError) {
    guard let bytes = try transaction.value(in: tables.paths, forKey: key) else { return }
    try put(try transaction.itemIDs(bytes).filter { $0 != id }, forPathKey: key)
  }

  /// Takes an item out of the plane; its place in a segment that is lost is just removed.
  private mutating func leavePlane(_ id: ItemID, lost: Set<UInt64>) throws(StoreError) {
    let place = try intact { (writer) throws(StoreError) in
      try writer.transaction.place(of: id, writer.tables)
    }
    if let place, lost.contains(place.segment) {
      try transaction.remove(StoreLayout.key(id), in: tables.places)
    }
    try removeFromPlane(id)
  }

  private mutating func listDead(_ segment: UInt64) throws(StoreError) {
    // What is damaged is removed first, so that the list is made from the places.
    try transaction.remove(StoreLayout.key(ofSegment: segment), in: tables.dead)
    try put(try missingImages(of: segment), of: segment)
  }

  private mutating func link(_ id: ItemID) throws(StoreError) {
    guard let item = try intactItem(id) else { return }
    if let path = item.path { try link(path, to: id) }
    for table in DerivedKeys.all {
      for key in table.keys(item) {
        try transaction.put([], forKey: key, in: table.table(tables))
      }
    }
  }

  /// Makes the codes of a readable item anew from its tokens.
  private mutating func encode(_ id: ItemID, lost: Set<UInt64>) throws(StoreError) {
    guard let item = try intactItem(id), item.unreadableReason == nil else { return }
    var decoder = TokenDecoder()
    var rows: [Float] = []
    let shape = try transaction.withValue(in: tables.tokens, forKey: StoreLayout.key(id)) {
      (bytes) throws(StoreError) in try decoder.decode(bytes, of: id, into: &rows)
    }
    guard let shape else { return }
    try leavePlane(id, lost: lost)
    try addToPlane(id, rows: rows[..<shape.elementCount], shape: shape)
  }
}
