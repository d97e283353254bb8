import FilipLateInteraction

extension Snapshot {
  /// Decodes everything and returns what is damaged: once per item, in the order of ids.
  ///
  /// Records, tokens and pooled vectors are decoded, the checksums of the scan plane's segments
  /// are verified, and the tables are compared: every readable item must be in the plane exactly
  /// once, and nothing else. Damage that belongs to no item is reported under `.unassigned`.
  /// - Complexity: reads the whole index, and keeps some 50 bytes per item in memory.
  /// - Throws: when LMDB's own pages are damaged, or the disk fails.
  public func findDamage() throws -> [(id: ItemID, error: StoreError)] {
    var report = DamageReport()
    try checkRecords(&report)
    try checkTokens(&report)
    try checkPooled(&report)
    try checkPlaces(&report)
    for segment in try segmentIDs() { try check(segment, &report) }
    try checkDead(&report)
    try checkScreens(&report)
    try checkFacts { report.note($1, of: $0) }
    try checkTags { report.note($1, of: $0) }
    report.finish(path: transaction.environment.path)
    return report.found.sorted { $0.key < $1.key }.map { (id: $0.key, error: $0.value) }
  }

  /// Decodes records and learns how many tokens each item should have.
  private func checkRecords(_ report: inout DamageReport) throws {
    try walk(tables.items, in: nil) { id, cursor in
      let bytes = cursor.withEntry { _, value in Array(value) }
      do throws(StoreError) {
        let item = try record(bytes, of: id)
        if item.unreadableReason == nil { report.tokenCounts[id] = item.tokenCount }
      } catch { report.note(error, of: id) }
    }
  }

  private func checkTokens(_ report: inout DamageReport) throws {
    let path = transaction.environment.path
    var decoder = TokenDecoder()
    var buffer: [Float] = []
    var ids: Set<ItemID> = []
    try forEachEncodedTokens { id, bytes in
      ids.insert(id)
      do throws(StoreError) {
        let shape = try decoder.decode(bytes, of: id, into: &buffer)
        if report.tokenCounts[id] != shape.tokenCount {
          throw StoreError(.impossible(.shape), in: "the record of item \(id)", path: path)
        }
      } catch { report.note(error, of: id) }
    }
    guard layout.originals == .f16 else { return }
    for id in report.tokenCounts.keys where !ids.contains(id) {
      report.note(.missing, in: "the tokens of item \(id)", path, of: id)
    }
  }

  private func checkPooled(_ report: inout DamageReport) throws {
    var buffer: [Float] = []
    try walk(tables.pooled, in: nil) { id, cursor in
      do throws(StoreError) {
        _ = try cursor.withEntry { (_, value) throws(StoreError) in
          try PooledCodec.decode(value, of: id, into: &buffer, at: 0)
        }
      } catch { report.note(error, of: id) }
    }
  }

  private func checkPlaces(_ report: inout DamageReport) throws {
    let path = transaction.environment.path
    try walk(tables.places, in: nil) { id, cursor in
      do throws(Damage) {
        let place = try cursor.withEntry { (_, value) throws(Damage) in try PlanePlace(value) }
        // A place of no tokens needs a record that says so.
        if place.isEmpty, report.tokenCounts[id] != 0 { throw .impossible(.place) }
        if !place.isEmpty { report.places[id] = place }
      } catch { report.note(error, in: "the place of item \(id)", path, of: id) }
      report.placed.insert(id)
    }
  }

  /// Compares a segment with the places that lead to it.
  private func check(_ segment: UInt64, _ report: inout DamageReport) throws {
    let name = "segment \(segment) of the scan plane"
    let path = transaction.environment.path
    do throws(StoreError) {
      let dead = Set(try transaction.deadOrdinals(of: segment, tables))
      let images = try transaction.withSealedSegment(segment, tables) { segment in
        (0..<segment.imageCount).map { (segment.id($0), segment.tokens(of: $0).count) }
      }
      for (ordinal, (rawID, tokenCount)) in (images ?? []).enumerated() {
        let id = ItemID(rawValue: rawID)
        let place = PlanePlace(segment: segment, ordinal: UInt32(ordinal))
        let isDead = dead.contains(place.ordinal)
        if isDead == (report.places[id] == place) {
          report.note(.impossible(.place), in: "the place of item \(id)", path, of: id)
        } else if !isDead, report.tokenCounts[id] != tokenCount {
          report.note(.impossible(.shape), in: "the record of item \(id)", path, of: id)
        }
        if !isDead, report.places[id] == place { report.places[id] = nil }
      }
      if let last = dead.max(), last >= (images ?? []).count {
        report.note(.impossible(.ordinals), in: name, path, of: .unassigned)
      }
    } catch {
      var isNamed = false
      for (id, place) in report.places where place.segment == segment {
        report.note(error, of: id)
        report.places[id] = nil
        isNamed = true
      }
      if !isNamed { report.note(error, of: .unassigned) }
    }
  }

  /// Looks for lists of the dead of segments that do not exist.
  private func checkDead(_ report: inout DamageReport) throws {
    let segments = Set(try segmentIDs())
    let path = transaction.environment.path
    try transaction.withCursor(in: tables.dead) { cursor in
      while try cursor.advance() {
        let segment = try segmentID(cursor)
        if !segments.contains(segment) {
          report.note(
            .impossible(.ordinals), in: "the list of segment \(segment)'s dead", path,
            of: .unassigned)
        }
      }
    }
  }
}

// MARK: - The screen

extension Snapshot {
  /// Verifies the codebook and the screens, stale ones included.
  private func checkScreens(_ report: inout DamageReport) throws {
    let path = transaction.environment.path
    do throws(StoreError) {
      _ = try screenCodebook()
    } catch { report.note(error, of: .unassigned) }
    try transaction.withCursor(in: tables.screens) { cursor in
      while try cursor.advance() {
        let segment = try segmentID(cursor)
        do throws(Damage) {
          try cursor.withEntry { (_, bytes) throws(Damage) in try ScreenCodec.verify(bytes) }
        } catch {
          report.note(error, in: "the screen of segment \(segment)", path, of: .unassigned)
        }
      }
    }
  }
}

/// What was found, and what is still to be found.
private struct DamageReport {
  /// The first error of each item.
  var found: [ItemID: StoreError] = [:]
  /// Tokens of every readable item by its record.
  var tokenCounts: [ItemID: Int] = [:]
  /// Items that have a place.
  var placed: Set<ItemID> = []
  /// Places that no segment has confirmed yet.
  var places: [ItemID: PlanePlace] = [:]

  mutating func note(_ error: StoreError, of id: ItemID) {
    if found[id] == nil { found[id] = error }
  }

  mutating func note(_ damage: Damage, in subject: String, _ path: String, of id: ItemID) {
    note(StoreError(damage, in: subject, path: path), of: id)
  }

  /// Notes the items whose places lead nowhere, and those without one.
  mutating func finish(path: String) {
    for id in places.keys {
      note(.impossible(.place), in: "the place of item \(id)", path, of: id)
    }
    for id in tokenCounts.keys where !placed.contains(id) {
      note(.missing, in: "the place of item \(id)", path, of: id)
    }
  }
}
