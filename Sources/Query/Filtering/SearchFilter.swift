public import FilipEncoders
public import FilipStore
public import SystemPackage

/// Which images of an index are looked at; every condition that is given must hold.
///
/// A filter is applied before anything is scored: the hits are the best of the images that pass, as
/// if the index held no others.
public struct SearchFilter: Sendable, Hashable {
  /// How a picture stands.
  public enum Orientation: String, Sendable, Hashable, CaseIterable {
    /// Higher than wide.
    case portrait
    /// Wider than high.
    case landscape
    /// As high as wide.
    case square
  }

  /// Images that were taken near a place.
  public struct Surroundings: Sendable, Hashable {
    /// The place in the middle.
    public var center: ItemRecord.Place
    /// Kilometres to the farthest image.
    public var kilometers: Double

    /// The surroundings of a place.
    public init(center: ItemRecord.Place, kilometers: Double) {
      self.center = center
      self.kilometers = kilometers
    }
  }

  /// At or below one of these; empty means anywhere.
  public var paths: [FilePath] = []
  /// Shell patterns for names or whole paths: at least one of those without a leading exclamation
  /// mark matches, if there are any, and none of those with one. `*` matches slashes too.
  public var globs: [String] = []
  /// Taken (else changed) at this moment or later, in nanoseconds since 1970.
  public var after: Int64?
  /// Taken (else changed) before this moment, in nanoseconds since 1970.
  public var before: Int64?
  /// Has all of these tags.
  public var tags: Set<ItemTag> = []
  /// Has none of these tags.
  public var excludedTags: Set<ItemTag> = []
  /// The name of the camera or of the lens contains this, in upper or lower case.
  public var camera: String?
  /// Pixels from left to right, at least. Default 0.
  public var minimumWidth = 0
  /// Pixels from top to bottom, at least. Default 0.
  public var minimumHeight = 0
  /// Bytes of the file.
  public var fileSizes: ClosedRange<UInt64>?
  /// One of these; empty means any.
  public var formats: Set<ImageFormat> = []
  /// How the picture stands.
  public var orientation: Orientation?
  /// Where it was taken.
  public var surroundings: Surroundings?

  /// Everything passes.
  public init() {}

  /// Whether no condition is given.
  public var isEmpty: Bool { self == SearchFilter() }
}

extension SearchFilter {
  /// The items that pass, readable or not; `nil` for all.
  ///
  /// Times, sizes, formats and how pictures stand are read from a table made for it, 32 bytes an
  /// item; tags and paths from their own tables. Records are decoded for `camera` and `surroundings`
  /// only, of the images that pass all else and have them.
  /// - Complexity: O(items) for most conditions, O(items that pass) for paths and tags.
  package func items(in snapshot: borrowing Snapshot) throws -> ItemSet? {
    guard !isEmpty else { return nil }
    var found: ItemSet?
    func narrow(to other: ItemSet) {
      if found == nil { found = other } else { found?.formIntersection(other) }
    }
    for tag in tags { narrow(to: try snapshot.items(tagged: tag)) }
    if !paths.isEmpty || !globs.isEmpty { narrow(to: try itemsByPath(in: snapshot)) }
    if !factFilter.isEmpty || found == nil {
      narrow(to: try snapshot.items(passing: factFilter))
    }
    for tag in excludedTags { found?.subtract(try snapshot.items(tagged: tag)) }
    guard camera != nil || surroundings != nil, let candidates = found else { return found }
    return try itemsByRecord(among: candidates, in: snapshot)
  }

  /// The conditions that the table of facts answers.
  private var factFilter: FactFilter {
    var filter = FactFilter()
    if after != nil || before != nil {
      let start = after ?? .min
      filter.times = start..<max(start, before ?? .max)
    }
    filter.minimumWidth = UInt32(clamping: minimumWidth)
    filter.minimumHeight = UInt32(clamping: minimumHeight)
    filter.fileSizes = fileSizes
    filter.formats = Set(formats.map(\.rawValue))
    filter.orientation =
      switch orientation {
      case .portrait: .portrait
      case .landscape: .landscape
      case .square: .square
      case nil: nil
      }
    if camera != nil { filter.flags.insert(.camera) }
    if surroundings != nil { filter.flags.insert(.place) }
    return filter
  }

  private func itemsByPath(in snapshot: borrowing Snapshot) throws -> ItemSet {
    var found = try snapshot.emptyItemSet()
    var globs = PathGlobs(globs)
    func look(withPrefix prefix: [UInt8]) throws {
      try snapshot.forEachPath(withPrefix: prefix) { id, path in
        if globs.matches(path) { found.insert(id) }
      }
    }
    if paths.isEmpty { try look(withPrefix: []) }
    for path in paths {
      let bytes = path.bytes
      if let item = try snapshot.item(forPath: bytes), globs.matches(bytes.span) {
        found.insert(item.id)
      }
      let slash = UInt8(ascii: "/")
      try look(withPrefix: bytes.last == slash ? bytes : bytes + [slash])
    }
    return found
  }

  private func itemsByRecord(
    among candidates: ItemSet, in snapshot: borrowing Snapshot
  ) throws -> ItemSet {
    var found = try snapshot.emptyItemSet()
    let camera = camera?.lowercased()
    try candidates.forEach { id in
      guard let item = try snapshot.item(id) else { return }
      if let camera {
        let names = [item.camera, item.lens].compactMap { $0?.lowercased() }
        guard names.contains(where: { $0.contains(camera) }) else { return }
      }
      if let surroundings {
        guard let place = item.place, surroundings.contains(place) else { return }
      }
      found.insert(id)
    }
    return found
  }
}
