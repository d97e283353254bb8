/// The table of contents of a zip archive with entries that are stored as they are, such as
/// `torch.save` writes.
///
/// Read from the end (APPNOTE 6.3.10, with the 64-bit extension): end record, central directory,
/// and of each entry that is asked for the local header. Nothing in the file is trusted.
struct ZipArchive {
  /// What archives begin with.
  static let magic: [UInt8] = [0x50, 0x4B, 0x03, 0x04]

  /// One line of the table.
  private struct Entry {
    var isStored: Bool
    var byteCount: Int
    var headerOffset: Int
  }

  private let file: MappedFile
  private var entries: [String: Entry] = [:]

  /// More entries than this are not believed; a checkpoint has one for each tensor.
  private static let entryLimit = 1 << 20

  /// Reads the table of contents.
  ///
  /// - Throws: `PickleError`.
  init(_ file: MappedFile) throws(PickleError) {
    self.file = file
    let directory = try Self.directory(of: file)
    var cursor = ByteCursor(file.bytes, at: directory.offset)
    for _ in 0..<directory.count {
      guard let (name, entry) = Self.entry(&cursor, in: file) else {
        throw PickleError("the archive's table of contents is damaged")
      }
      guard entries.updateValue(entry, forKey: name) == nil else {
        throw PickleError("the archive has two entries called \(name)")
      }
    }
  }

  /// The names of all entries.
  var names: some Collection<String> { entries.keys }

  /// Where the bytes of an entry lie in the file; `nil` when there is none of the name.
  ///
  /// - Throws: `PickleError` when they lie outside it or are compressed.
  func range(of name: String) throws(PickleError) -> Range<Int>? {
    guard let entry = entries[name] else { return nil }
    guard entry.isStored else {
      throw PickleError(
        "entry \(name) of the archive is compressed, which PyTorch does not do; save the model "
          + "again with torch.save", isForeign: true)
    }
    var cursor = ByteCursor(file.bytes, at: entry.headerOffset)
    let signature = cursor.next(UInt32.self)
    cursor.offset += 22
    guard signature == 0x0403_4B50, let nameLength = cursor.next(UInt16.self),
      let extraLength = cursor.next(UInt16.self)
    else { throw PickleError("entry \(name) of the archive is not there") }
    cursor.offset += Int(nameLength) + Int(extraLength)
    guard let range = cursor.range(count: entry.byteCount) else {
      throw PickleError("entry \(name) of the archive is cut short")
    }
    return range
  }

  // MARK: - Reading

  /// Where the central directory begins, and how many entries it has.
  private static func directory(
    of file: MappedFile
  ) throws(PickleError) -> (offset: Int, count: Int) {
    // The end record is 22 bytes, with a comment of up to 65,535 behind it.
    let last = file.bytes.count - 22
    let first = max(0, last - 65_535)
    var start = last
    while start >= first {
      var cursor = ByteCursor(file.bytes, at: start)
      if cursor.next(UInt32.self) == 0x0605_4B50 { break }
      start -= 1
    }
    guard start >= first, start >= 0 else {
      throw PickleError("the archive's end is missing")
    }
    var cursor = ByteCursor(file.bytes, at: start + 10)
    guard let shortCount = cursor.next(UInt16.self), cursor.next(UInt32.self) != nil,
      let shortOffset = cursor.next(UInt32.self)
    else { throw PickleError("the archive's end is damaged") }
    var (offset, count) = (UInt64(shortOffset), UInt64(shortCount))
    if shortCount == .max || shortOffset == .max {
      guard let long = longDirectory(of: file, before: start) else {
        throw PickleError("the archive's end is damaged")
      }
      (offset, count) = long
    }
    guard offset < UInt64(file.bytes.count), count <= UInt64(entryLimit) else {
      throw PickleError("the archive's table of contents is not in it")
    }
    return (Int(offset), Int(count))
  }

  /// The same from the 64-bit records that precede the end record.
  private static func longDirectory(
    of file: MappedFile, before end: Int
  ) -> (offset: UInt64, count: UInt64)? {
    var locator = ByteCursor(file.bytes, at: end - 20)
    guard locator.next(UInt32.self) == 0x0706_4B50, locator.next(UInt32.self) != nil,
      let place = locator.next(UInt64.self), let offset = Int(exactly: place)
    else { return nil }
    var record = ByteCursor(file.bytes, at: offset)
    guard record.next(UInt32.self) == 0x0606_4B50 else { return nil }
    guard offset <= file.bytes.count - 56 else { return nil }
    record.offset = offset + 32
    guard let count = record.next(UInt64.self), record.next(UInt64.self) != nil,
      let directory = record.next(UInt64.self)
    else { return nil }
    return (directory, count)
  }

  /// The entry at the cursor, which moves to the next.
  private static func entry(
    _ cursor: inout ByteCursor, in file: MappedFile
  ) -> (String, Entry)? {
    guard cursor.next(UInt32.self) == 0x0201_4B50, cursor.next(UInt32.self) != nil,
      let flags = cursor.next(UInt16.self), let method = cursor.next(UInt16.self),
      cursor.next(UInt64.self) != nil, let shortStoredCount = cursor.next(UInt32.self),
      let shortCount = cursor.next(UInt32.self), let nameLength = cursor.next(UInt16.self),
      let extraLength = cursor.next(UInt16.self), let commentLength = cursor.next(UInt16.self),
      cursor.next(UInt64.self) != nil, let shortOffset = cursor.next(UInt32.self),
      let name = cursor.text(count: Int(nameLength))
    else { return nil }
    guard let extra = cursor.range(count: Int(extraLength)) else { return nil }
    var (count, offset) = (UInt64(shortCount), UInt64(shortOffset))
    if [shortCount, shortStoredCount, shortOffset].contains(.max) {
      guard var fields = longFields(cursor, in: extra)?[...] else { return nil }
      if shortCount == .max { count = fields.popFirst() ?? .max }
      if shortStoredCount == .max { _ = fields.popFirst() }
      if shortOffset == .max { offset = fields.popFirst() ?? .max }
    }
    cursor.offset = extra.upperBound + Int(commentLength)
    guard let byteCount = Int(exactly: count), let headerOffset = Int(exactly: offset),
      headerOffset < file.bytes.count
    else { return nil }
    let isStored = method == 0 && flags & 1 == 0
    return (name, Entry(isStored: isStored, byteCount: byteCount, headerOffset: headerOffset))
  }

  /// The 64-bit numbers of the extra field 1, in the order of the short ones they replace.
  private static func longFields(_ cursor: ByteCursor, in extra: Range<Int>) -> [UInt64]? {
    var cursor = cursor
    while cursor.offset < extra.upperBound {
      guard let identifier = cursor.next(UInt16.self), let length = cursor.next(UInt16.self) else {
        return nil
      }
      let end = cursor.offset + Int(length)
      if identifier == 1, end <= extra.upperBound {
        return (0..<Int(length) / 8).compactMap { _ in cursor.next(UInt64.self) }
      }
      cursor.offset = end
    }
    return nil
  }
}
