/// Half-precision numbers with their low bytes first and their high bytes after them.
///
/// The high bytes (sign, exponent, two bits of the fraction) compress well on their own; the low
/// ones hardly at all. Mixed they would spoil each other.
enum HalfPlanes {
  /// Rounds `values` to half precision, to even on ties, and writes `2 * values.count` bytes.
  ///
  /// - Precondition: no value is infinite, not a number, or beyond ±65504.
  static func split(_ values: [Float], into planes: inout [UInt8]) {
    let count = values.count
    planes.removeAll(keepingCapacity: true)
    planes.append(contentsOf: repeatElement(0, count: 2 * count))
    var bytes = planes.mutableSpan
    for index in 0..<count {
      let half = bits(ofHalf: values[index])
      bytes[index] = UInt8(truncatingIfNeeded: half)
      bytes[count + index] = UInt8(truncatingIfNeeded: half >> 8)
    }
  }

  /// Widens `count` numbers to floats, exactly, and writes them at `offset`.
  static func join(
    _ planes: [UInt8], count: Int, into buffer: inout [Float], at offset: Int
  ) {
    precondition(planes.count >= 2 * count && buffer.count - offset >= count, "room for values")
    let low = planes.span.extracting(0..<count)
    let high = planes.span.extracting(count..<2 * count)
    var values = buffer.mutableSpan
    for index in 0..<count {
      values[offset + index] = value(ofHalf: UInt32(low[index]) | UInt32(high[index]) << 8)
    }
  }

  /// The float whose half-precision bits are given.
  ///
  /// A float's exponent is 112 higher than a half's. Multiplying by 2¹¹² moves it, and normalises
  /// the halves below 2⁻¹⁴ on the way. Infinities and NaN, which tokens never hold, come out
  /// finite. `Float(Float16(bitPattern:))` says the same one call per number.
  @inline(__always)
  static func value(ofHalf half: UInt32) -> Float {
    let magnitude = Float(bitPattern: (half & 0x7FFF) << 13) * 0x1p112
    return Float(bitPattern: magnitude.bitPattern | (half & 0x8000) << 16)
  }

  /// The half-precision bits nearest to `value`; `Float16(value)` says the same one call per
  /// number.
  ///
  /// From 2⁻¹⁴ on, 13 bits of the fraction are rounded off. Below, halves are multiples of 2⁻²⁴,
  /// and so are the floats from ½ to 1: adding ½ rounds to one of them.
  @inline(__always)
  static func bits(ofHalf value: Float) -> UInt16 {
    let bits = value.bitPattern & 0x7FFF_FFFF
    let normal = (bits &- 112 << 23 &+ 0xFFF &+ (bits >> 13 & 1)) >> 13
    let small = (Float(bitPattern: bits) + 0.5).bitPattern &- Float(0.5).bitPattern
    let magnitude = bits < Float(0x1p-14).bitPattern ? small : normal
    return UInt16(truncatingIfNeeded: magnitude | value.bitPattern >> 16 & 0x8000)
  }
}
