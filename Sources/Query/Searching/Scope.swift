import FilipStore

/// Which images a search looks at.
struct Scope: Sendable {
  /// `nil` for all.
  private let items: ItemSet?
  /// Items in scope, readable or not; `nil` for all.
  let count: Int?

  /// The items that pass a filter.
  init(_ filter: SearchFilter, snapshot: borrowing Snapshot) throws {
    items = try filter.items(in: snapshot)
    count = items?.count
  }

  /// Whether every image is in scope.
  var isEverything: Bool { items == nil }

  func contains(_ id: ItemID) -> Bool { items?.contains(id) ?? true }

  /// The segments of the scan plane that have to be looked at, ascending.
  ///
  /// With few images in scope, their places say which segments they are in, and no other is
  /// touched. With more images than twice the segments, hardly one is without: then all of them.
  /// - Complexity: O(segments) lookups at most.
  func segmentIDs(_ snapshot: borrowing Snapshot) throws -> [UInt64] {
    let all = try snapshot.segmentIDs()
    guard let items, let count, count <= 2 * all.count else { return all }
    var segments: Set<UInt64> = []
    try items.forEach { id in
      if let place = try snapshot.place(of: id) { segments.insert(place.segment) }
    }
    return all.filter { segments.contains($0) }
  }
}
