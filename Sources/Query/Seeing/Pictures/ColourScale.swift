/// Colours for values between two ends: dark violet for the least, over green, to bright yellow for the
/// largest.
///
/// Brighter means more, for every kind of eye and in print without colours (viridis of matplotlib,
/// van der Walt and Smith, 2015, CC0; every sixteenth of its colours).
package struct ColourScale: Sendable {
  /// What the two ends stand for.
  package var range: ClosedRange<Float>

  package init(_ range: ClosedRange<Float>) { self.range = range }

  /// Where a value lies between the ends, 0…1; beyond them, the nearer end. Without extent, 0.
  package func share(of value: Float) -> Double {
    let extent = Double(range.upperBound) - Double(range.lowerBound)
    guard extent > 0 else { return 0 }
    return min(max((Double(value) - Double(range.lowerBound)) / extent, 0), 1)
  }

  /// The colour of a value.
  package func colour(of value: Float) -> RGB { Self.colour(at: share(of: value)) }

  /// The colour at a place between the ends, 0…1.
  package static func colour(at share: Double) -> RGB {
    let place = share * Double(stops.count - 1)
    let first = min(Int(place), stops.count - 2)
    return stops[first].mixed(with: stops[first + 1], share: place - Double(first))
  }

  private static let stops = [
    0x440154, 0x48186A, 0x472D7B, 0x424086, 0x3B528B, 0x33638D, 0x2C728E, 0x26828E, 0x21918C,
    0x1F9F88, 0x27AD81, 0x3DBC74, 0x5CC863, 0x81D34D, 0xAADC32, 0xD5E21A, 0xFDE725,
  ].map { RGB(hex: $0) }
}
