/// Reading items inside either kind of transaction.
extension Transaction where Self: ~Copyable {
  /// The encoders by their numbers; a damaged name is replaced by one that no encoder has.
  borrowing func fingerprints(_ tables: StoreTables) throws -> [UInt32: String] {
    let prefix = MetaKey.fingerprintPrefix
    return try withCursor(in: tables.meta) { cursor in
      var result: [UInt32: String] = [:]
      var isInside = try cursor.advance(to: prefix)
      while isInside {
        let (key, value) = cursor.withEntry { (Array($0), Array($1)) }
        guard key.starts(with: prefix) else { break }
        if let number = MetaKey.fingerprintNumber(key) {
          result[number] = (try? MetaValue.text(value)) ?? MetaKey.lostFingerprint(number)
        }
        isInside = try cursor.advance()
      }
      return result
    }
  }

  /// A number of the table `meta`; zero when it was never set.
  borrowing func counter(_ key: [UInt8], _ tables: StoreTables) throws(StoreError) -> UInt64 {
    guard let bytes = try value(in: tables.meta, forKey: key) else { return 0 }
    do throws(Damage) {
      return try MetaValue.number(bytes)
    } catch {
      throw StoreError(error, in: "a counter", path: environment.path)
    }
  }

  /// The record of an item, or `nil` when there is none.
  borrowing func item(
    _ id: ItemID, _ tables: StoreTables, fingerprints: [UInt32: String]
  ) throws(StoreError) -> ItemRecord? {
    guard let bytes = try value(in: tables.items, forKey: StoreLayout.key(id)) else { return nil }
    return try record(bytes, of: id, fingerprints: fingerprints)
  }

  /// The record behind stored bytes.
  borrowing func record(
    _ bytes: [UInt8], of id: ItemID, fingerprints: [UInt32: String]
  ) throws(StoreError) -> ItemRecord {
    do throws(Damage) {
      return try ItemCodec.decode(bytes, id: id, fingerprints: fingerprints)
    } catch {
      throw StoreError(error, in: "the record of item \(id)", path: environment.path)
    }
  }

  /// The items listed under the key of a path: one, or several whose long paths share a key.
  borrowing func itemIDs(
    withKeyOf path: [UInt8], _ tables: StoreTables
  ) throws(StoreError) -> [ItemID] {
    let key = StoreLayout.key(ofPath: path)
    guard let bytes = try value(in: tables.paths, forKey: key) else { return [] }
    return try itemIDs(bytes)
  }

  /// The ids behind the stored bytes of the table of paths.
  borrowing func itemIDs(_ bytes: [UInt8]) throws(StoreError) -> [ItemID] {
    guard bytes.count.isMultiple(of: 8) else {
      throw StoreError(.impossible(.identifiers), in: "the list of paths", path: environment.path)
    }
    return stride(from: 0, to: bytes.count, by: 8).map { offset in
      ItemID(rawValue: StoreLayout.bigEndian(bytes.span, at: offset).byteSwapped)
    }
  }

  /// The item that has the path, or `nil`.
  borrowing func item(
    forPath path: [UInt8], _ tables: StoreTables, fingerprints: [UInt32: String]
  ) throws(StoreError) -> ItemRecord? {
    for id in try itemIDs(withKeyOf: path, tables) {
      let found = try item(id, tables, fingerprints: fingerprints)
      if let found, found.path == path { return found }
    }
    return nil
  }

  /// The items whose file has the content, in the order of their ids.
  borrowing func items(
    withContentHash hash: ContentHash, _ tables: StoreTables, fingerprints: [UInt32: String]
  ) throws -> [ItemRecord] {
    let ids = try withCursor(in: tables.hashes) { cursor in
      var ids: [ItemID] = []
      var isInside = try cursor.advance(to: StoreLayout.key(hash, .unassigned))
      while isInside {
        let id = cursor.withEntry { key, _ in StoreLayout.itemID(key, having: hash) }
        guard let id else { break }
        ids.append(id)
        isInside = try cursor.advance()
      }
      return ids
    }
    var items: [ItemRecord] = []
    for id in ids {
      let found = try item(id, tables, fingerprints: fingerprints)
      if let found, found.contentHash == hash { items.append(found) }
    }
    return items
  }
}
