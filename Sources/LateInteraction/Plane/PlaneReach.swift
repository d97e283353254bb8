/// How far a token's high nibbles may be from it: `‖x − x̂₄‖ / s`, rounded up to a byte.
///
/// No coordinate is further than 8 scales from the middle of its cell, so the ratio is at most `8 √d`,
/// and usually near `4.6 √d`. The unit is `√d / 31`, which puts the largest at 248: the bound is at
/// most 1 % larger than the ratio, and it follows each token where one number for a segment follows
/// the worst.
struct PlaneReach {
  /// What is stored.
  let byte: UInt8

  /// The smallest that is not less than `ratio`, of a token of `dimension` values.
  init(atLeast ratio: Float, dimension: Int) {
    byte = UInt8((Double(ratio) / Self.unit(dimension: dimension)).rounded(.up))
  }

  /// What a byte of 1 stands for.
  static func unit(dimension: Int) -> Double { Double(dimension).squareRoot() / 31 }

  /// More than rounding takes away from a byte's meaning, as a factor.
  static let slack = 1 + 0x1p-18
}
