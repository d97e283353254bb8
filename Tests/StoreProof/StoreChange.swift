package import FilipStore

/// One change of a commit.
package enum StoreChange: Sendable {
  case insert(ModelItem)
  case insertUnreadable(ModelItem)
  case replace(UInt64, ModelItem)
  case rename(UInt64, path: [UInt8], time: Int64)
  case touch(UInt64, size: UInt64, time: Int64)
  case remove(UInt64)
  case tag(UInt64, adding: Set<ItemTag>, removing: Set<ItemTag>)
  case note(String, [UInt8]?)

  /// Makes the change to an index.
  package func apply(to writer: inout Writer) throws {
    switch self {
    case .insert(let item):
      try writer.insert(item.record, tokens: item.tokens.matrix, pooled: item.pooled)
    case .insertUnreadable(let item):
      try writer.insertUnreadable(item.record, reason: item.reason ?? "")
    case .replace(let id, let item):
      var record = item.record
      record.id = ItemID(rawValue: id)
      try writer.replace(record, tokens: item.tokens.matrix, pooled: item.pooled)
    case .rename(let id, let path, let time):
      try writer.rename(
        ItemID(rawValue: id), to: path, root: Array("/photos".utf8),
        fileSize: ModelItem.sizeOfRenamed, modificationTime: time)
    case .touch(let id, let size, let time):
      try writer.touch(ItemID(rawValue: id), fileSize: size, modificationTime: time)
    case .remove(let id):
      try writer.remove(ItemID(rawValue: id))
    case .tag(let id, let added, let removed):
      try writer.tag(ItemID(rawValue: id), adding: added, removing: removed)
    case .note(let name, let value):
      try writer.setNote(name, to: value)
    }
  }
}

extension StoreModel {
  /// Makes the next commit, in the index first, which must hold what the model holds.
  package mutating func commit(to store: TokenStore) throws {
    var next = self
    let changes = next.advance()
    try store.write { writer in
      for change in changes { try change.apply(to: &writer) }
    }
    self = next
  }
}
