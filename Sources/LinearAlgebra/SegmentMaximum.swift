internal import CKernels

/// For each segment of rows and each column, the largest value.
///
/// Shapes: `values` (rows, columns); segment `i` is rows `offsets[i]..<offsets[i + 1]`; `maxima`
/// (segments, columns). With the products of many images' patches (rows) and one query's tokens
/// (columns), these are the maxima of MaxSim. An empty segment yields `-infinity`. Values must be
/// numbers.
/// - Complexity: one comparison per value.
package func maximumPerSegment(_ values: Matrix, offsets: [Int], into maxima: Matrix) {
  requireSegments(of: values, offsets: offsets, maxima: maxima)
  offsets.withUnsafeBufferPointer { offsets in
    ck_segment_max_f32(
      values.base, values.stride, offsets.baseAddress, maxima.rowCount, values.columnCount,
      maxima.base, maxima.stride)
  }
}

/// As `maximumPerSegment`; also returns where the maxima are: row-major (segments, columns), each
/// counted from the start of its segment.
///
/// Of equal values the first wins; an empty segment yields -1.
package func maximumPerSegmentWithPlaces(
  _ values: Matrix, offsets: [Int], into maxima: Matrix
) -> [Int32] {
  requireSegments(of: values, offsets: offsets, maxima: maxima)
  let count = maxima.rowCount * maxima.columnCount
  return [Int32](unsafeUninitializedCapacity: count) { places, initialized in
    offsets.withUnsafeBufferPointer { offsets in
      ck_segment_argmax_f32(
        values.base, values.stride, offsets.baseAddress, maxima.rowCount, values.columnCount,
        maxima.base, maxima.stride, places.baseAddress)
    }
    initialized = count
  }
}

/// The largest value of each row. Values must be numbers; rows may not be empty.
/// - Complexity: one comparison per value.
package func maximumPerRow(_ values: Matrix) -> [Float] {
  precondition(values.columnCount > 0, "a row to take the maximum of")
  return [Float](unsafeUninitializedCapacity: values.rowCount) { maxima, count in
    ck_row_max_f32(
      values.base, values.stride, values.rowCount, values.columnCount, maxima.baseAddress)
    count = values.rowCount
  }
}

/// The kernels trust `offsets`; this is where they are checked.
private func requireSegments(of values: Matrix, offsets: [Int], maxima: Matrix) {
  precondition(
    maxima.rowCount == offsets.count - 1 && maxima.columnCount == values.columnCount
      && offsets.last == values.rowCount && offsets.first == 0, "shapes of segment maxima")
  for (start, end) in zip(offsets, offsets.dropFirst()) {
    precondition(start <= end, "ascending offsets")
  }
}
