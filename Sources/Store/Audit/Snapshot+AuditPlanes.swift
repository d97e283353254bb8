import FilipLateInteraction

/// Segments, places and the dead.
extension Snapshot {
  /// Compares every segment with the places that lead to it, and its codes with the tokens.
  func auditPlanes(_ audit: inout Audit) throws {
    var work = SegmentWork()
    try auditNumbers(tables.planes, &audit) { audit, segment, _ in
      try auditSegment(segment, &audit, &work)
    }
  }

  /// What serves one segment after the other.
  private struct SegmentWork: ~Copyable {
    var decoder = TokenDecoder()
    var rows: [Float] = []
  }

  /// What a segment says of its images.
  private struct SegmentFacts {
    let dimension: Int
    let bits: PlaneBits
    let images: [(id: ItemID, tokenCount: Int)]

    init(_ segment: borrowing PlaneSegment) {
      dimension = segment.dimension
      bits = segment.bits
      images = (0..<segment.imageCount).map { image in
        (ItemID(rawValue: segment.id(image)), segment.tokens(of: image).count)
      }
    }
  }

  private func auditSegment(
    _ segment: UInt64, _ audit: inout Audit, _ work: inout SegmentWork
  ) throws {
    let key = StoreLayout.key(ofSegment: segment)
    let outcome = try read(tables.planes, key) { (bytes) throws(Damage) in
      let facts = try SegmentSeal.read(bytes) { SegmentFacts($0) }
      guard facts.bits == layout.bits else { throw .impossible(.layout) }
      return facts
    }
    let facts: SegmentFacts
    switch outcome {
    case .success(let read): facts = read
    case .failure(let damage):
      audit.lostSegments.insert(segment)
      audit.note(
        tables.planes, segment: segment, "segment \(segment) of the scan plane", damage, .rebuild,
        [.eraseSegment(segment)])
      return
    case nil: return
    }
    audit.segments[segment] = facts.dimension
    var living = try auditOrdinals(segment, facts, &audit)
    if layout.originals == .f16 {
      try auditCodes(segment, facts, &living, &audit, &work)
    }
    for ordinal in living { audit.confirmed.insert(facts.images[ordinal].id.rawValue) }
  }

  /// Finds the images of a segment that are alive, and notes where places and the list of the dead
  /// contradict each other.
  private func auditOrdinals(
    _ segment: UInt64, _ facts: SegmentFacts, _ audit: inout Audit
  ) throws -> [Int] {
    let stored = try read(tables.dead, StoreLayout.key(ofSegment: segment)) {
      (bytes) throws(Damage) in
      let ordinals = try DeadOrdinals.decode(bytes)
      guard ordinals.last.map({ $0 < facts.images.count }) ?? true else {
        throw .impossible(.ordinals)
      }
      return Set(ordinals)
    }
    var living: [Int] = []
    var problem: String?
    if case .failure(let damage) = stored { problem = "\(damage)" }
    let dead: Set<UInt32>? = stored == nil ? [] : try? stored?.get()
    for (ordinal, image) in facts.images.enumerated() {
      audit.largestItem = max(audit.largestItem, image.id.rawValue)
      let place = PlanePlace(segment: segment, ordinal: UInt32(ordinal))
      let isPlace = try intactPlace(image.id) == place
      let isDead = dead?.contains(place.ordinal) ?? !isPlace
      if isPlace {
        let item = try intactItem(image.id, audit)
        if item?.unreadableReason == nil, item?.tokenCount == image.tokenCount {
          living.append(ordinal)
        }
        if isDead { problem = problem ?? "it lists item \(image.id), which is alive" }
      } else if !isDead {
        if try isMisplaced(image.id, tokenCount: image.tokenCount, audit) {
          // Of several places the last is the newest.
          audit.foundPlaces[image.id] = place
        } else {
          problem = problem ?? "it does not list image \(ordinal), which no item has"
        }
      }
    }
    if let problem {
      audit.note(
        tables.dead, segment: segment, "the list of segment \(segment)'s dead", problem, .rebuild,
        [.listDead(segment: segment)])
    }
    return living
  }

  /// Whether an item should have tokens, and its place does not lead to an image of it.
  private func isMisplaced(
    _ id: ItemID, tokenCount: Int, _ audit: Audit
  ) throws -> Bool {
    guard let item = try intactItem(id, audit), item.unreadableReason == nil,
      item.tokenCount == tokenCount
    else { return false }
    guard let place = try intactPlace(id) else { return true }
    let ordinal = Int(place.ordinal)
    let found = try read(tables.planes, StoreLayout.key(ofSegment: place.segment)) {
      (bytes) throws(Damage) in
      try SegmentSeal.read(bytes) { segment in
        ordinal < segment.imageCount && segment.id(ordinal) == id.rawValue
      }
    }
    guard (try? found?.get()) == true else { return true }
    // It may lead to an image that the item had before.
    let dead = try read(tables.dead, StoreLayout.key(ofSegment: place.segment)) {
      (bytes) throws(Damage) in try DeadOrdinals.decode(bytes).contains(place.ordinal)
    }
    return (try? dead?.get()) == true
  }

  /// Makes the codes of a segment's living images anew, and takes those out of `living` that have
  /// others.
  private func auditCodes(
    _ segment: UInt64, _ facts: SegmentFacts, _ living: inout [Int], _ audit: inout Audit,
    _ work: inout SegmentWork
  ) throws {
    var expected = PlaneSegmentBuilder(dimension: facts.dimension, bits: facts.bits)
    var ordinals: [Int] = []
    var wrong: [Int] = []
    for ordinal in living {
      let (id, tokenCount) = facts.images[ordinal]
      guard
        let shape = try auditTokens(
          of: id, tokenCount: tokenCount, &audit, &work.decoder, &work.rows)
      else { continue }
      guard shape.dimension == facts.dimension else {
        wrong.append(ordinal)
        continue
      }
      expected.append(
        id: id.rawValue, rows: work.rows[..<shape.elementCount], tokenCount: tokenCount)
      ordinals.append(ordinal)
    }
    let key = StoreLayout.key(ofSegment: segment)
    let comparison = try read(tables.planes, key) { (bytes) throws(Damage) in
      try SegmentSeal.read(bytes) { stored in
        (
          ordinals.enumerated().filter { index, ordinal in
            !expected.image(index, equals: ordinal, of: stored)
          }.map(\.element),
          expected.isBounded(by: stored)
        )
      }
    }
    guard let (others, isBounded) = try comparison?.get() else { return }
    wrong += others
    for ordinal in wrong {
      let id = facts.images[ordinal].id
      audit.miscoded.insert(id)
      audit.note(
        tables.planes, item: id, segment: segment, path: try intactItem(id, audit)?.path,
        "the codes of item \(id)", "they are not those of its tokens", .rebuild, [.encode(id)])
    }
    if !isBounded, wrong.isEmpty {
      audit.lostSegments.insert(segment)
      audit.segments[segment] = nil
      audit.note(
        tables.planes, segment: segment, "segment \(segment) of the scan plane",
        "its bounds do not hold for its tokens", .rebuild, [.eraseSegment(segment)])
      living = []
    } else {
      living.removeAll { wrong.contains($0) }
    }
  }

  /// Looks for places that no item has.
  func auditPlaces(_ audit: inout Audit) throws {
    try auditNumbers(tables.places, &audit) { audit, number, _ in
      let id = ItemID(rawValue: number)
      guard try !hasTokens(id, audit), audit.damagedRecords[id] == nil else { return }
      audit.note(
        tables.places, item: id, "the place of item \(id)", "there is no item that has tokens",
        .dropEntry, [.leavePlane(id)])
    }
  }

  /// Looks for lists of the dead of segments that do not exist.
  func auditDead(_ audit: inout Audit) throws {
    try auditNumbers(tables.dead, &audit) { audit, segment, _ in
      guard audit.segments[segment] == nil, !audit.lostSegments.contains(segment) else { return }
      audit.note(
        tables.dead, segment: segment, "the list of segment \(segment)'s dead",
        "there is no such segment", .dropEntry,
        [.dropEntry(table: tables.dead, key: StoreLayout.key(ofSegment: segment))])
    }
  }

  /// Verifies the screens, stale ones included.
  func auditScreens(_ audit: inout Audit) throws {
    let codebook = try? screenCodebook()
    try auditNumbers(tables.screens, &audit) { audit, segment, cursor in
      let key = StoreLayout.key(ofSegment: segment)
      func note(_ damage: Damage) {
        audit.note(
          tables.screens, segment: segment, "the screen of segment \(segment)", damage, .dropEntry,
          [.dropEntry(table: tables.screens, key: key)])
      }
      guard audit.segments[segment] != nil else {
        if !audit.lostSegments.contains(segment) { note(.impossible(.identifiers)) }
        return
      }
      do throws(Damage) {
        let header = try cursor.withEntry { (_, bytes) throws(Damage) in
          try ScreenCodec.verify(bytes, codebook: codebook)
        }
        guard try segmentChecksumIfAny(segment) == header.segmentChecksum else { return }
        let counts = try? read(tables.planes, key) { (bytes) throws(Damage) in
          try SegmentSeal.read(bytes) { ($0.imageCount, $0.tokenCount) }
        }
        if case .success(let (imageCount, tokenCount)) = counts,
          (imageCount, tokenCount) != (header.imageCount, header.tokenCount)
        {
          throw .impossible(.shape)
        }
      } catch { note(error) }
    }
  }

  private func segmentChecksumIfAny(_ segment: UInt64) throws(Damage) -> UInt64? {
    do throws(StoreError) {
      return try segmentChecksum(segment)
    } catch {
      throw .missing
    }
  }
}
