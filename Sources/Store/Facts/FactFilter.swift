/// What an item's facts must be; every condition that is given must hold.
package struct FactFilter: Sendable, Hashable {
  /// How a picture stands.
  package enum Orientation: Sendable, Hashable { case portrait, landscape, square }

  /// The time is in this range, in nanoseconds since 1970, and known.
  package var times: Range<Int64>?
  /// The file has so many bytes.
  package var fileSizes: ClosedRange<UInt64>?
  /// Pixels from left to right, at least.
  package var minimumWidth: UInt32 = 0
  /// Pixels from top to bottom, at least.
  package var minimumHeight: UInt32 = 0
  /// The format is one of these, by the names in `formatNames`; empty means any.
  package var formats: Set<String> = []
  /// How the picture stands; then its size must be known.
  package var orientation: Orientation?
  /// What the item must have.
  package var flags: ItemFacts.Flags = []

  /// No condition.
  package init() {}

  /// Whether every item passes.
  package var isEmpty: Bool { self == FactFilter() }

  /// The formats that a row can tell apart; a format's number is its position, plus one. New ones
  /// are added at the end.
  package static let formatNames = ["jpeg", "png", "webp", "gif", "tiff", "bmp", "heic", "avif"]
  private static let otherFormat: UInt8 = 255

  /// The number of a format: 0 for none, 255 for one without a number.
  static func formatCode(_ name: String?) -> UInt8 {
    guard let name else { return 0 }
    return formatNames.firstIndex(of: name).map { UInt8($0 + 1) } ?? otherFormat
  }
}

/// A filter made ready for many rows.
struct PreparedFactFilter {
  private let filter: FactFilter
  /// Whether a format passes, by its number.
  private let passesFormat: [Bool]

  init(_ filter: FactFilter) {
    precondition(
      filter.formats.isSubset(of: FactFilter.formatNames), "formats that have a number")
    self.filter = filter
    let codes = Set(filter.formats.map { FactFilter.formatCode($0) })
    passesFormat = (0...255).map { codes.isEmpty || codes.contains($0) }
  }

  /// Adds the items of a sound block that pass.
  func addItems(ofBlock block: UInt64, _ bytes: Span<UInt8>, to found: inout ItemSet) {
    let first = block &* UInt64(FactBlock.rowCount)
    for start in stride(from: 0, to: FactBlock.rowCount, by: 64) {
      var word: UInt64 = 0
      for row in 0..<64
      where passes(ItemFacts(bytes, at: FactBlock.offset(ofRow: start + row))) {
        word |= 1 << UInt64(row)
      }
      found.insert(word, from: ItemID(rawValue: first &+ UInt64(start)))
    }
  }

  /// Whether an item passes.
  func passes(_ facts: ItemFacts) -> Bool {
    guard facts.kind != 0, filter.flags.isSubset(of: facts.flags),
      facts.width >= filter.minimumWidth, facts.height >= filter.minimumHeight,
      passesFormat[Int(facts.format)]
    else { return false }
    if let times = filter.times {
      guard facts.flags.contains(.time), times.contains(facts.time) else { return false }
    }
    if let sizes = filter.fileSizes {
      guard sizes.contains(facts.fileSize) else { return false }
    }
    guard let orientation = filter.orientation else { return true }
    guard facts.width > 0, facts.height > 0 else { return false }
    switch orientation {
    case .portrait: return facts.width < facts.height
    case .landscape: return facts.width > facts.height
    case .square: return facts.width == facts.height
    }
  }
}
