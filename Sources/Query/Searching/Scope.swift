import FilipStore
import SystemPackage

/// Which images a search looks at.
struct Scope: Sendable {
  /// `nil` for all.
  private let ids: Set<ItemID>?

  init(paths: [FilePath], snapshot: borrowing Snapshot) throws {
    guard !paths.isEmpty else {
      ids = nil
      return
    }
    var ids: Set<ItemID> = []
    for path in paths {
      if let item = try snapshot.item(forPath: path.bytes) { ids.insert(item.id) }
      let slash = [UInt8(ascii: "/")]
      let folder = path.bytes + (path.bytes.last == slash[0] ? [] : slash)
      try snapshot.forEachItem(withPathPrefix: folder) { ids.insert($0.id) }
    }
    self.ids = ids
  }

  /// Whether every image is in scope.
  var isEverything: Bool { ids == nil }

  func contains(_ id: ItemID) -> Bool { ids?.contains(id) ?? true }
}
