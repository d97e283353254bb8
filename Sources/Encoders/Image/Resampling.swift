internal import CImageShims
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
/// Weights are integers of `FILIP_WEIGHT_BITS` fractional bits, as in Pillow.
private struct ResamplingWeights {
  private var first: [Int32] = []
  private var count: [Int32] = []
  private var weights: [Int32] = []
  /// The largest number of source pixels that a target pixel may mix.
  private let capacity: Int

  /// All source pixels that are used.
  let used: Range<Int>

  /// Weights for the target pixels `range` of a side that goes from `sourceSize` to `targetSize`.
  init(sourceSize: Int, targetSize: Int, range: Range<Int>, filter: ResamplingFilter) {
    let scale = Double(sourceSize) / Double(targetSize)
    let filterScale = max(scale, 1)
    let support = filter.reach * filterScale
    capacity = Int(support.rounded(.up)) * 2 + 1
    weights.reserveCapacity(range.count * capacity)
    var end = 0
    var exact: [Double] = []
    for target in range {
      let center = (Double(target) + 0.5) * scale
      let start = max(Int(center - support + 0.5), 0)
      end = min(Int(center + support + 0.5), sourceSize)
      exact.removeAll(keepingCapacity: true)
      var sum = 0.0
      for source in start..<end {
        // In this order of operations: the last bit decides some roundings.
        let distance = (Double(source) - center + 0.5) * (1 / filterScale)
        let weight = filter.weight(at: distance)
        exact.append(weight)
        sum += weight
      }
      first.append(Int32(start))
      count.append(Int32(end - start))
      for weight in exact {
        let share = sum == 0 ? weight : weight / sum
        let scaled = share * Double(1 << FILIP_WEIGHT_BITS)
        weights.append(Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5))
      }
      weights.append(contentsOf: repeatElement(0, count: capacity - exact.count))
    }
    used = Int(first[0])..<end
    for index in first.indices { first[index] -= Int32(used.lowerBound) }
  }

  /// Number of target pixels.
  var size: Int { first.count }

  /// Calls `body` with what the C loops take; source pixels count from `used.lowerBound`.
  func withMix(_ body: (UnsafePointer<filip_mix>) -> Void) {
    first.withUnsafeBufferPointer { first in
      count.withUnsafeBufferPointer { count in
        weights.withUnsafeBufferPointer { weights in
          guard let first = first.baseAddress, let count = count.baseAddress,
            let weights = weights.baseAddress
          else { return }
          var mix = filip_mix(
            size: size, capacity: capacity, first: first, count: count, weights: weights)
          body(&mix)
        }
      }
    }
  }
}

/// Resizes RGB exactly as Pillow 13 does.
///
/// Columns and rows are mixed one after the other, with bytes in between. Columns come first,
/// unless the height shrinks by more than twice as many pixels as the width does; Pillow before 13
/// always took columns first, which for such tall pictures rounds differently.
/// - Parameters:
///   - columns: which columns of the target are wanted; all when `nil`.
///   - rows: which rows of the target are wanted; all when `nil`.
/// - Returns: `(rows.count, columns.count, 3)`.
func resampled(
  _ image: DecodedImage, toWidth width: Int, height: Int, columns: Range<Int>? = nil,
  rows: Range<Int>? = nil, filter: ResamplingFilter
) -> [UInt8] {
  let columns = columns ?? 0..<width
  let rows = rows ?? 0..<height
  precondition(!columns.isEmpty && (0...width).contains(columns.upperBound), "columns")
  precondition(!rows.isEmpty && (0...height).contains(rows.upperBound), "rows")
  precondition(columns.lowerBound >= 0 && rows.lowerBound >= 0, "columns and rows")
  // A side that keeps its size is not filtered, only cut.
  let horizontal =
    width == image.width
    ? nil
    : ResamplingWeights(
      sourceSize: image.width, targetSize: width, range: columns, filter: filter)
  let vertical =
    height == image.height
    ? nil
    : ResamplingWeights(
      sourceSize: image.height, targetSize: height, range: rows, filter: filter)
  let heightLoss = image.height - height
  let takesRowsFirst = heightLoss > 0 && heightLoss > (image.width - width) * 2

  let whole = PixelRows(pixels: image.pixels, width: image.width)
  let usedRows = vertical?.used ?? rows
  let usedColumns = horizontal?.used ?? columns
  if takesRowsFirst {
    let mixed = whole.mixingRows(usedRows, vertical, columns: usedColumns)
    return mixed.mixingColumns(0..<usedColumns.count, horizontal, rows: 0..<rows.count).pixels
  }
  let mixed = whole.mixingColumns(usedColumns, horizontal, rows: usedRows)
  return mixed.mixingRows(0..<usedRows.count, vertical, columns: 0..<columns.count).pixels
}

/// RGB between two passes.
private struct PixelRows {
  var pixels: [UInt8]
  let width: Int

  private var height: Int { pixels.count / (width * 3) }

  /// Cuts `rows`, and mixes `columns` into those of `weights`.
  func mixingColumns(
    _ columns: Range<Int>, _ weights: ResamplingWeights?, rows: Range<Int>
  ) -> PixelRows {
    guard let weights else { return cut(columns: columns, rows: rows) }
    precondition(columns.count == weights.used.count && columns.upperBound <= width, "columns")
    precondition(rows.upperBound <= height, "rows")
    var result = [UInt8](repeating: 0, count: rows.count * weights.size * 3)
    // Safe because weights refer to `used.count` columns, and the cut lies inside, checked above.
    pixels.withUnsafeBufferPointer { source in
      result.withUnsafeMutableBufferPointer { target in
        guard let source = source.baseAddress, let target = target.baseAddress else { return }
        let start = source + (rows.lowerBound * width + columns.lowerBound) * 3
        weights.withMix { filip_mix_columns(start, width * 3, rows.count, $0, target) }
      }
    }
    return PixelRows(pixels: result, width: weights.size)
  }

  /// Cuts `columns`, and mixes `rows` into those of `weights`.
  func mixingRows(
    _ rows: Range<Int>, _ weights: ResamplingWeights?, columns: Range<Int>
  ) -> PixelRows {
    guard let weights else { return cut(columns: columns, rows: rows) }
    precondition(rows.count == weights.used.count && rows.upperBound <= height, "rows")
    precondition(columns.upperBound <= width, "columns")
    var result = [UInt8](repeating: 0, count: weights.size * columns.count * 3)
    // Safe because weights refer to `used.count` rows, and the cut lies inside, checked above.
    pixels.withUnsafeBufferPointer { source in
      result.withUnsafeMutableBufferPointer { target in
        guard let source = source.baseAddress, let target = target.baseAddress else { return }
        let start = source + (rows.lowerBound * width + columns.lowerBound) * 3
        weights.withMix { filip_mix_rows(start, width * 3, columns.count * 3, $0, target) }
      }
    }
    return PixelRows(pixels: result, width: columns.count)
  }

  private func cut(columns: Range<Int>, rows: Range<Int>) -> PixelRows {
    if columns == 0..<width, rows == 0..<height { return self }
    var result: [UInt8] = []
    result.reserveCapacity(columns.count * rows.count * 3)
    for row in rows {
      let start = (row * width + columns.lowerBound) * 3
      result.append(contentsOf: pixels[start..<start + columns.count * 3])
    }
    return PixelRows(pixels: result, width: columns.count)
  }
}
