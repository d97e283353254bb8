internal import CKernels

/// Scores images by their tokens' centroids: the sum over the columns of a table of the largest
/// value in the rows that an image's codes name.
///
/// Shapes: `table` (rows, rowByteCount); image i has the codes `bounds[i]..<bounds[i + 1]`; its
/// score becomes `scores[i]`, 0 without tokens. `scores` grows to the number of images. With the
/// similarities of centroids and words as table, this is MaxSim of centroids.
/// - Returns: whether the codes and bounds, which may come from a damaged file, name rows and
///   tokens that exist. The scores mean nothing otherwise.
/// - Complexity: one row of the table per code.
/// - Precondition: `rowByteCount` is 8 or a multiple of 16.
package func screenScores(
  codes: Span<UInt16>, bounds: Span<UInt32>, table: Span<UInt8>, rowByteCount: Int,
  into scores: inout [Int32]
) -> Bool {
  precondition(
    rowByteCount == 8 || rowByteCount > 0 && rowByteCount % 16 == 0, "bytes of a table's row")
  guard bounds.count > 0, isRising(bounds), Int(bounds[bounds.count - 1]) <= codes.count else {
    return false
  }
  let imageCount = bounds.count - 1
  if scores.count < imageCount {
    scores.append(contentsOf: repeatElement(0, count: imageCount - scores.count))
  }
  // Safe because every bound, and with the largest code every row, was found to exist.
  return codes.withUnsafeBufferPointer { codes in
    let largest = Int(ck_largest_u16(codes.baseAddress, codes.count))
    guard codes.isEmpty || (largest + 1) * rowByteCount <= table.count else { return false }
    bounds.withUnsafeBufferPointer { bounds in
      table.withUnsafeBufferPointer { table in
        scores.withUnsafeMutableBufferPointer { scores in
          ck_screen_scores(
            codes.baseAddress, bounds.baseAddress, imageCount, table.baseAddress, rowByteCount,
            scores.baseAddress)
        }
      }
    }
    return true
  }
}

/// The bytes that a screen's table has for similarities from −1 to 1: `(v + 1) · 127.5`, rounded.
///
/// `similarities` (rows, columns) without gaps between rows; the result (rows, rowByteCount), zero
/// from the last column on.
package func screenTable(of similarities: Matrix, rowByteCount: Int) -> [UInt8] {
  precondition(
    similarities.stride == similarities.columnCount && rowByteCount >= similarities.columnCount,
    "shapes of a screen's table")
  let count = similarities.rowCount * rowByteCount
  return [UInt8](unsafeUninitializedCapacity: count) { table, initialized in
    ck_screen_table(
      similarities.base, similarities.rowCount, similarities.columnCount, table.baseAddress,
      rowByteCount)
    initialized = count
  }
}

private func isRising(_ bounds: Span<UInt32>) -> Bool {
  for index in 1..<bounds.count where bounds[index - 1] > bounds[index] { return false }
  return true
}
