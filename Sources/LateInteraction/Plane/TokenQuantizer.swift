/// Turns one token after the other into 8-bit codes and measures what that costs.
///
/// With `x` the rotated token and `s` its scale, dimension `i` gets the code `round(x / s) + 128`,
/// to even on ties: `x̂₈ = s (code − 128)`. The high nibble `h` alone stands for the middle of its
/// cell, `x̂₄ = s (16 h − 120.5)`.
struct TokenQuantizer {
  /// What is known of a quantised token; all but the scale are rounded up.
  struct Measure {
    /// `s` as a bfloat16; zero for a token of zeros.
    var scale: UInt16 = 0
    /// `‖x − x̂₈‖`.
    var error8: Float = 0
    /// `‖x − x̂₄‖`.
    var error4: Float = 0
    /// `‖x − x̂₄‖ / s`.
    var relativeError4: Float = 0
    /// `‖x̂₈‖`.
    var norm8: Float = 0
    /// `‖x̂₄‖`.
    var norm4: Float = 0
  }

  /// The codes of the last token; zero beyond its dimension.
  private(set) var codes: [UInt8]
  private let rotation: TokenRotation
  private var rotated: [Double]

  /// A quantiser of tokens of `dimension` values.
  init(dimension: Int) {
    rotation = TokenRotation(dimension: dimension)
    rotated = [Double](repeating: 0, count: dimension)
    codes = [UInt8](repeating: 0, count: (dimension + 7) / 8 * 8)
  }

  /// Replaces `codes` by those of a token that has the quantiser's dimension.
  /// - Precondition: the values are finite, and no scale exceeds `PlaneScale.largest`.
  mutating func quantize(_ row: UnsafePointer<Float>) -> Measure {
    rotated.withUnsafeMutableBufferPointer { rotated in
      codes.withUnsafeMutableBufferPointer { codes in
        guard let x = rotated.baseAddress, let codes = codes.baseAddress else { return Measure() }
        rotation.rotate(row, into: x)
        let scale = PlaneScale(atLeast: largestMagnitude(x, count: rotation.dimension) / 127)
        guard scale.value > 0 else {
          // Zeros, and what is not a number, which no comparison finds.
          precondition(x[0] == 0, "finite tokens")
          codes.update(repeating: 128, count: rotation.dimension)
          return Measure()
        }
        let sums = encode(x, count: rotation.dimension, scale: scale.value, into: codes)
        return Measure(scale: scale, sums: sums)
      }
    }
  }
}

extension TokenQuantizer.Measure {
  /// Room for the rounding of the sums, as a share of them.
  private static let slack = 1 + 1e-6
  /// Room for the rounding of the rotation, as a share of the token.
  private static let rotationSlack = 1e-12

  fileprivate init(scale: PlaneScale, sums: QuantizationSums) {
    let size = scale.value
    let room =
      Self.rotationSlack * (sums.squares8.squareRoot() + sums.squaredError8.squareRoot())
    let relativeError8 = sums.squaredError8.squareRoot() * Self.slack + room
    let relativeError4 = sums.squaredError4.squareRoot() * Self.slack + room
    precondition(relativeError8.isFinite, "finite tokens")
    self.scale = scale.bits
    error8 = Float(roundingUp: relativeError8 * size)
    error4 = Float(roundingUp: relativeError4 * size)
    self.relativeError4 = Float(roundingUp: relativeError4)
    norm8 = Float(roundingUp: sums.squares8.squareRoot() * Self.slack * size)
    norm4 = Float(roundingUp: sums.squares4.squareRoot() * Self.slack * size)
  }
}

/// A token's scale: a number that a bfloat16 holds.
struct PlaneScale {
  /// What is stored.
  let bits: UInt16
  /// What it stands for.
  var value: Double { Double(Float(bitPattern: UInt32(bits) << 16)) }

  /// Larger scales are not written, and not read: with them products could leave the floats.
  static let largest = PlaneScale(atLeast: 0x1p63)

  /// The smallest that is not less than `bound`.
  init(atLeast bound: Double) {
    let float = Float(roundingUp: bound)
    precondition(float <= 0x1p63, "size of a token's values")
    bits = UInt16((float.bitPattern + 0xFFFF) >> 16)
  }
}

extension Float {
  /// The smallest float that is not less than `value`.
  init(roundingUp value: Double) {
    let nearest = Float(value)
    self = Double(nearest) < value ? nearest.nextUp : nearest
  }
}

// MARK: - Loops

/// Sums over a token's dimensions, in units of its scale.
private struct QuantizationSums {
  /// `Σ (x − x̂₈)²`.
  var squaredError8 = 0.0
  /// `Σ (x − x̂₄)²`.
  var squaredError4 = 0.0
  /// `Σ x̂₈²`.
  var squares8 = 0.0
  /// `Σ x̂₄²`.
  var squares4 = 0.0
}

/// The largest magnitude; what is not a number counts as nothing.
private func largestMagnitude(_ values: UnsafePointer<Double>, count: Int) -> Double {
  var largest = (0.0, 0.0, 0.0, 0.0)
  for index in stride(from: 0, to: count - count % 4, by: 4) {
    largest.0 = max(largest.0, values[index].magnitude)
    largest.1 = max(largest.1, values[index + 1].magnitude)
    largest.2 = max(largest.2, values[index + 2].magnitude)
    largest.3 = max(largest.3, values[index + 3].magnitude)
  }
  for index in count - count % 4..<count { largest.0 = max(largest.0, values[index].magnitude) }
  return max(max(largest.0, largest.1), max(largest.2, largest.3))
}

/// Writes the codes of `count` dimensions, four at a time.
private func encode(
  _ x: UnsafePointer<Double>, count: Int, scale: Double, into codes: UnsafeMutablePointer<UInt8>
) -> QuantizationSums {
  let inverse = 1 / scale
  var squaredError8 = SIMD4<Double>.zero
  var squaredError4 = SIMD4<Double>.zero
  var squares8 = SIMD4<Double>.zero
  var squares4 = SIMD4<Double>.zero
  let source = UnsafeRawPointer(x)
  let target = UnsafeMutableRawPointer(codes)
  // Where fewer than four are left, zeros stand for the others and enter no sum.
  for start in stride(from: 0, to: count, by: 4) {
    var value: SIMD4<Double>
    let isWhole = start + 4 <= count
    if isWhole {
      value = source.loadUnaligned(fromByteOffset: start * 8, as: SIMD4<Double>.self)
    } else {
      value = .zero
      for lane in 0..<count - start { value[lane] = x[start + lane] }
    }
    value *= inverse
    // Adding 1.5 · 2⁵² leaves the nearest integer in the lowest bits of the sum.
    let shifted = value + 0x1.8p52
    let nearest = shifted - 0x1.8p52
    let code = (unsafeBitCast(shifted, to: SIMD4<Int64>.self) &+ 128) & 0xFF
    // The bits of 2⁵², with an integer below it in the lowest ones, are the sum of the two.
    let cell = unsafeBitCast(code & 0xF0 | 0x4330_0000_0000_0000, to: SIMD4<Double>.self) - 0x1p52
    var middle = cell - 120.5
    var error4 = value - middle
    let bytes = SIMD4<UInt8>(truncatingIfNeeded: code)
    if isWhole {
      target.storeBytes(of: bytes, toByteOffset: start, as: SIMD4<UInt8>.self)
    } else {
      for lane in 0..<4 where start + lane < count { codes[start + lane] = bytes[lane] }
      for lane in 0..<4 where start + lane >= count { (middle[lane], error4[lane]) = (0, 0) }
    }
    let error8 = value - nearest
    squaredError8 += error8 * error8
    squaredError4 += error4 * error4
    squares8 += nearest * nearest
    squares4 += middle * middle
  }
  return QuantizationSums(
    squaredError8: squaredError8.sum(), squaredError4: squaredError4.sum(),
    squares8: squares8.sum(), squares4: squares4.sum())
}
