import FilipLateInteraction

/// The table `meta`.
extension Snapshot {
  /// Checks the layout, names, notes and the codebook, and learns the encoders' names.
  func auditMeta(_ audit: inout Audit) throws {
    let layout = try read(tables.meta, MetaKey.layout) { (bytes) throws(Damage) in
      _ = try MetaValue.open(Array(bytes))
      guard PlaneLayout(bytes: Array(bytes)) != nil else { throw .impossible(.layout) }
    }
    if case .failure(let damage) = layout ?? .failure(.missing) {
      audit.note(tables.meta, "the note of the layout", damage, .rebuild, [.setLayout])
    }
    audit.fingerprints = fingerprintsByNumber
    try auditWalk(tables.meta, &audit) { audit, key, cursor in
      let value = cursor.withEntry { _, value in Array(value) }
      if let number = MetaKey.fingerprintNumber(key) {
        if case .failure(let damage) = result({ () throws(Damage) in try MetaValue.text(value) }) {
          audit.note(
            tables.meta, "the name of encoder \(number)", damage, .rebuild, [.nameEncoder(number)])
        }
      } else if key.starts(with: MetaKey.fingerprintPrefix)
        || key.starts(with: MetaKey.openSegmentPrefix) && MetaKey.openSegmentDimension(key) == nil
      {
        audit.note(
          tables.meta, "a key of the table meta", .impossible(.identifiers), .dropEntry,
          [.dropEntry(table: tables.meta, key: key)])
      } else if key.starts(with: MetaKey.notePrefix) {
        guard case .failure(let damage) = result({ () throws(Damage) in try MetaValue.open(value) })
        else { return }
        let name = String(decoding: key.dropFirst(MetaKey.notePrefix.count), as: UTF8.self)
        audit.note(tables.meta, named: name, damage)
      }
    }
    let codebook = try read(tables.meta, MetaKey.screenCodebook) { (bytes) throws(Damage) in
      do throws(ScreenCodebookError) {
        _ = try ScreenCodebook(bytes)
      } catch {
        throw Damage(error)
      }
    }
    let hasScreens = try transaction.usage(of: tables.screens).entryCount > 0
    switch codebook {
    case .failure(let damage):
      audit.note(tables.meta, "the screen's codebook", damage, .dropEntry, [.dropScreens])
    case nil where hasScreens:
      audit.note(tables.meta, "the screen's codebook", Damage.missing, .dropEntry, [.dropScreens])
    default: break
    }
  }

  /// Checks the numbers, against all that was found.
  func auditCounters(_ audit: inout Audit) throws {
    let isEmpty = audit.largestItem == 0
    try auditCounter(
      MetaKey.nextItem, "the next item's number", atLeast: isEmpty ? 0 : audit.largestItem + 1,
      &audit)
    try auditCounter(
      MetaKey.nextSegment, "the next segment's number",
      atLeast: (audit.segments.keys.max() ?? 0) + (audit.segments.isEmpty ? 0 : 1), &audit)
    // There have been at least as many commits.
    try auditCounter(
      MetaKey.generation, "the generation", atLeast: isEmpty ? 0 : 1, &audit,
      new: UInt64(transaction.commitNumber))
    try auditWalk(tables.meta, &audit) { audit, key, cursor in
      guard let dimension = MetaKey.openSegmentDimension(key) else { return }
      let value = cursor.withEntry { _, value in Array(value) }
      let number = result { () throws(Damage) in try MetaValue.number(value) }
      if case .success(let segment) = number, audit.segments[segment] == dimension { return }
      audit.note(
        tables.meta, "the segment that grows, of \(dimension) dimensions",
        "it does not say one that is there", .dropEntry, [.dropEntry(table: tables.meta, key: key)])
    }
  }

  /// Checks a number that has a least value; `new` is what it becomes, that value otherwise.
  private func auditCounter(
    _ key: [UInt8], _ subject: String, atLeast bound: UInt64, _ audit: inout Audit,
    new: UInt64? = nil
  ) throws {
    let value = try read(tables.meta, key) { (bytes) throws(Damage) in
      try MetaValue.number(Array(bytes))
    }
    let problem: String
    switch value {
    case .success(let number):
      guard number < bound else { return }
      problem = "it is \(number), and must be \(bound) or more"
    case .failure(let damage): problem = "\(damage)"
    case nil:
      guard bound > 0 else { return }
      problem = "\(Damage.missing)"
    }
    audit.note(
      tables.meta, subject, problem, .rebuild, [.setCounter(key: key, new ?? max(1, bound))])
  }
}

/// What a closure returns or throws.
private func result<Value>(_ body: () throws(Damage) -> Value) -> Result<Value, Damage> {
  do throws(Damage) {
    return .success(try body())
  } catch {
    return .failure(error)
  }
}
