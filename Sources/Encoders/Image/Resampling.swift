internal import Glibc

/// How pixels are mixed when an image changes size.
public enum ResamplingFilter: Int, Sendable, Hashable {
  // The numbers are Pillow's, which preprocessor configurations use.
  /// A windowed sinc of three lobes.
  case lanczos = 1
  /// A triangle.
  case bilinear = 2
  /// The cubic convolution with a = -0.5.
  case bicubic = 3

  /// How far the filter reaches, in pixels of the coarser of source and target.
  var reach: Double {
    switch self {
    case .lanczos: 3
    case .bilinear: 1
    case .bicubic: 2
    }
  }

  /// The weight at a distance from the centre.
  func weight(at distance: Double) -> Double {
    let x = abs(distance)
    guard x < reach else {
      // Pillow's window includes its left end, where the weight is as good as zero, but not zero.
      return self == .lanczos && distance == -3 ? Self.sinc(distance) * Self.sinc(distance / 3) : 0
    }
    switch self {
    case .lanczos: return Self.sinc(distance) * Self.sinc(distance / 3)
    case .bilinear: return 1 - x
    case .bicubic:
      let a = -0.5
      return x < 1
        ? ((a + 2) * x - (a + 3)) * x * x + 1
        : (((x - 5) * x + 8) * x - 4) * a
    }
  }

  private static func sinc(_ x: Double) -> Double {
    x == 0 ? 1 : sin(x * .pi) / (x * .pi)
  }
}

/// For each pixel of one side of the target, which source pixels it mixes and how.
///
/// Weights are integers of 22 fractional bits, as in Pillow, whose results this reproduces bit by
/// bit.
struct ResamplingWeights {
  /// 8 bits for the result, 2 for overshoot and sign.
  static let fractionBits = 32 - 8 - 2

  /// First source pixel, per target pixel.
  var first: [Int] = []
  /// Number of source pixels, per target pixel.
  var count: [Int] = []
  /// Weights, `capacity` per target pixel.
  var weights: [Int32] = []
  /// The largest number of source pixels that a target pixel may mix.
  let capacity: Int

  /// Weights for the target pixels `range` of a side that goes from `sourceSize` to `targetSize`.
  init(sourceSize: Int, targetSize: Int, range: Range<Int>, filter: ResamplingFilter) {
    let scale = Double(sourceSize) / Double(targetSize)
    let filterScale = max(scale, 1)
    let support = filter.reach * filterScale
    capacity = Int(support.rounded(.up)) * 2 + 1
    weights.reserveCapacity(range.count * capacity)
    var exact: [Double] = []
    for target in range {
      let center = (Double(target) + 0.5) * scale
      let start = max(Int(center - support + 0.5), 0)
      let end = min(Int(center + support + 0.5), sourceSize)
      exact.removeAll(keepingCapacity: true)
      var sum = 0.0
      for source in start..<end {
        // In this order of operations: the last bit decides some roundings.
        let distance = (Double(source) - center + 0.5) * (1 / filterScale)
        let weight = filter.weight(at: distance)
        exact.append(weight)
        sum += weight
      }
      first.append(start)
      count.append(end - start)
      for weight in exact {
        let share = sum == 0 ? weight : weight / sum
        let scaled = share * Double(1 << Self.fractionBits)
        weights.append(Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5))
      }
      weights.append(contentsOf: repeatElement(0, count: capacity - exact.count))
    }
  }
}

/// Resizes RGB exactly as Pillow does.
///
/// - Parameters:
///   - columns: which columns of the target are wanted; all when `nil`.
///   - rows: which rows of the target are wanted; all when `nil`.
/// - Returns: `(rows.count, columns.count, 3)`.
/// - Complexity: source rows in use × columns × filter width, plus rows × columns × filter height.
func resampled(
  _ image: DecodedImage, toWidth width: Int, height: Int, columns: Range<Int>? = nil,
  rows: Range<Int>? = nil, filter: ResamplingFilter
) -> [UInt8] {
  let columns = columns ?? 0..<width
  let rows = rows ?? 0..<height
  precondition(!columns.isEmpty && columns.lowerBound >= 0 && columns.upperBound <= width, "columns")
  precondition(!rows.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= height, "rows")
  let vertical = ResamplingWeights(
    sourceSize: image.height, targetSize: height, range: rows, filter: filter)
  // Rows of the source that are used at all.
  let firstRow = height == image.height ? rows.lowerBound : vertical.first[0]
  let endRow =
    height == image.height
    ? rows.upperBound : vertical.first[rows.count - 1] + vertical.count[rows.count - 1]

  // A side that keeps its size is not filtered, only cut.
  var strip: [UInt8]
  if width == image.width {
    if columns.count == width {
      strip = Array(image.pixels[firstRow * width * 3..<endRow * width * 3])
    } else {
      strip = []
      for row in firstRow..<endRow {
        let start = (row * width + columns.lowerBound) * 3
        strip.append(contentsOf: image.pixels[start..<start + columns.count * 3])
      }
    }
  } else {
    let horizontal = ResamplingWeights(
      sourceSize: image.width, targetSize: width, range: columns, filter: filter)
    strip = mixedColumns(image, rows: firstRow..<endRow, horizontal)
  }
  guard height != image.height else { return strip }
  return mixedRows(strip, rowByteCount: columns.count * 3, firstRow: firstRow, vertical)
}

/// One half, to round, with the fraction bits of the weights.
private let rounding = Int32(1) << Int32(ResamplingWeights.fractionBits - 1)

@inline(__always)
private func clipped(_ sum: Int32) -> UInt8 {
  UInt8(clamping: sum >> Int32(ResamplingWeights.fractionBits))
}

/// The horizontal pass.
private func mixedColumns(
  _ image: DecodedImage, rows: Range<Int>, _ mix: ResamplingWeights
) -> [UInt8] {
  let columnCount = mix.first.count
  let sourceRowByteCount = image.width * 3
  var result = [UInt8](repeating: 0, count: rows.count * columnCount * 3)
  // Safe because `first + count` never exceeds the source's width, nor `rows` its height.
  result.withUnsafeMutableBufferPointer { target in
    image.pixels.withUnsafeBufferPointer { source in
      mix.weights.withUnsafeBufferPointer { weights in
        mix.first.withUnsafeBufferPointer { first in
          mix.count.withUnsafeBufferPointer { count in
            guard var output = target.baseAddress, let source = source.baseAddress,
              let weights = weights.baseAddress
            else { return }
            for row in rows {
              let line = source + row &* sourceRowByteCount
              for column in 0..<columnCount {
                var pixel = line + first[column] &* 3
                let weight = weights + column &* mix.capacity
                var (red, green, blue) = (rounding, rounding, rounding)
                for tap in 0..<count[column] {
                  let factor = weight[tap]
                  red = red &+ Int32(pixel[0]) &* factor
                  green = green &+ Int32(pixel[1]) &* factor
                  blue = blue &+ Int32(pixel[2]) &* factor
                  pixel += 3
                }
                output[0] = clipped(red)
                output[1] = clipped(green)
                output[2] = clipped(blue)
                output += 3
              }
            }
          }
        }
      }
    }
  }
  return result
}

/// The vertical pass, over rows that start at `firstRow` of the source.
private func mixedRows(
  _ strip: [UInt8], rowByteCount: Int, firstRow: Int, _ mix: ResamplingWeights
) -> [UInt8] {
  let rowCount = mix.first.count
  var result = [UInt8](repeating: 0, count: rowCount * rowByteCount)
  var sums = [Int32](repeating: 0, count: rowByteCount)
  // Safe because `first + count` never exceeds the end of the strip.
  result.withUnsafeMutableBufferPointer { target in
    strip.withUnsafeBufferPointer { source in
      sums.withUnsafeMutableBufferPointer { sums in
        guard let target = target.baseAddress, let source = source.baseAddress,
          let sums = sums.baseAddress
        else { return }
        for row in 0..<rowCount {
          for byte in 0..<rowByteCount { sums[byte] = rounding }
          for tap in 0..<mix.count[row] {
            let line = source + (mix.first[row] - firstRow + tap) &* rowByteCount
            let factor = mix.weights[row &* mix.capacity &+ tap]
            for byte in 0..<rowByteCount {
              sums[byte] = sums[byte] &+ Int32(line[byte]) &* factor
            }
          }
          let output = target + row &* rowByteCount
          for byte in 0..<rowByteCount { output[byte] = clipped(sums[byte]) }
        }
      }
    }
  }
  return result
}
