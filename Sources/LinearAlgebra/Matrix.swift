internal import CKernels

/// A block of floats that matrices look into.
///
/// Either allocated here (64-byte aligned, zeroed) or borrowed from memory that `owner` keeps
/// alive, such as a mapped weight file.
package final class FloatStorage: @unchecked Sendable {
  // Sendable because storage is either written by the one task that made it, or, once shared
  // (weights), never written again.
  let base: UnsafeMutablePointer<Float>
  /// Number of floats.
  package let count: Int
  private let owner: AnyObject?

  /// Allocates `count` zeroed floats.
  package init(count: Int) {
    precondition(count >= 0, "count of floats")
    let bytes = UnsafeMutableRawPointer.allocate(
      byteCount: max(count, 1) * MemoryLayout<Float>.stride, alignment: 64)
    base = bytes.bindMemory(to: Float.self, capacity: max(count, 1))
    base.initialize(repeating: 0, count: max(count, 1))
    self.count = count
    owner = nil
  }

  /// Borrows floats that live as long as `owner`; nobody may write to them.
  package init(borrowing floats: UnsafePointer<Float>, count: Int, owner: AnyObject) {
    base = UnsafeMutablePointer(mutating: floats)
    self.count = count
    self.owner = owner
  }

  /// Calls `body` with the floats of `range`, to be written.
  package func withMutableFloats<R, E: Error>(
    _ range: Range<Int>, _ body: (UnsafeMutableBufferPointer<Float>) throws(E) -> R
  ) throws(E) -> R {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range of floats")
    precondition(owner == nil, "storage of our own")
    return try body(UnsafeMutableBufferPointer(start: base + range.lowerBound, count: range.count))
  }

  /// Copies the first `count` floats of `source`.
  package func copy(from source: FloatStorage, count: Int) {
    precondition(count >= 0 && count <= self.count && count <= source.count, "count of floats")
    base.update(from: source.base, count: count)
  }

  deinit {
    if owner == nil { UnsafeMutableRawPointer(base).deallocate() }
  }
}

/// A window onto rows of floats, row-major: `rowCount` × `columnCount`, rows `stride` apart.
///
/// Reference semantics: copies of a `Matrix`, and the windows cut from it, see the same floats.
/// Every window is checked against its storage when it is made, so the arithmetic that takes
/// matrices needs to check shapes only.
package struct Matrix: Sendable {
  package let storage: FloatStorage
  let offset: Int
  package let rowCount: Int
  package let columnCount: Int
  /// Floats from the start of one row to the start of the next.
  package let stride: Int

  init(storage: FloatStorage, offset: Int, rowCount: Int, columnCount: Int, stride: Int) {
    precondition(rowCount >= 0 && columnCount >= 0 && stride >= columnCount, "matrix shape")
    precondition(
      rowCount == 0 || offset + (rowCount - 1) * stride + columnCount <= storage.count,
      "matrix inside its storage")
    self.storage = storage
    self.offset = offset
    self.rowCount = rowCount
    self.columnCount = columnCount
    self.stride = stride
  }

  /// A zeroed matrix of its own.
  package init(rowCount: Int, columnCount: Int) {
    self.init(
      storage: FloatStorage(count: rowCount * columnCount), offset: 0, rowCount: rowCount,
      columnCount: columnCount, stride: columnCount)
  }

  /// A window onto existing storage, dense from its start.
  package init(storage: FloatStorage, rowCount: Int, columnCount: Int) {
    self.init(
      storage: storage, offset: 0, rowCount: rowCount, columnCount: columnCount,
      stride: columnCount)
  }

  /// A copy of `elements`, row-major.
  package init(_ elements: [Float], rowCount: Int, columnCount: Int) {
    precondition(elements.count == rowCount * columnCount, "element count")
    self.init(rowCount: rowCount, columnCount: columnCount)
    elements.withUnsafeBufferPointer { source in
      if let start = source.baseAddress {
        storage.base.update(from: start, count: source.count)
      }
    }
  }

  /// The address of element (0, 0).
  var base: UnsafeMutablePointer<Float> { storage.base + offset }

  package subscript(row: Int, column: Int) -> Float {
    get {
      precondition(row >= 0 && row < rowCount && column >= 0 && column < columnCount, "index")
      return base[row * stride + column]
    }
    nonmutating set {
      precondition(row >= 0 && row < rowCount && column >= 0 && column < columnCount, "index")
      base[row * stride + column] = newValue
    }
  }

  /// Replaces a matrix of fewer rows by a zeroed one of `rowCount`: work space that grows.
  package mutating func reserve(rowCount: Int) {
    guard self.rowCount < rowCount else { return }
    self = Matrix(rowCount: rowCount, columnCount: columnCount)
  }

  /// The rows of `range`, same columns.
  package func rows(_ range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= rowCount, "row range")
    return Matrix(
      storage: storage, offset: offset + range.lowerBound * stride, rowCount: range.count,
      columnCount: columnCount, stride: stride)
  }

  /// The columns of `range`, all rows.
  package func columns(_ range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= columnCount, "column range")
    return Matrix(
      storage: storage, offset: offset + range.lowerBound, rowCount: rowCount,
      columnCount: range.count, stride: stride)
  }

  // MARK: - Copying

  /// Copies the elements of a matrix of the same shape; the two do not overlap.
  package func assign(_ source: Matrix) {
    precondition(
      source.rowCount == rowCount && source.columnCount == columnCount, "shape of the source")
    for row in 0..<rowCount {
      (base + row * stride).update(from: source.base + row * source.stride, count: columnCount)
    }
  }

  /// Copies `row`, a matrix (1, columnCount), to every row.
  package func assign(everyRow row: Matrix) {
    precondition(row.rowCount == 1 && row.columnCount == columnCount, "shape of the source row")
    for index in 0..<rowCount {
      (base + index * stride).update(from: row.base, count: columnCount)
    }
  }

  /// Adds `row`, a matrix (1, columnCount), to every row.
  package func add(toEveryRow row: Matrix) {
    precondition(row.rowCount == 1 && row.columnCount == columnCount, "shape of the added row")
    ck_bias_activation_f32(base, stride, rowCount, columnCount, row.base, CK_IDENTITY)
  }

  /// Writes the mean of the rows to `mean`, (1, columnCount), which is not one of them.
  /// - Precondition: there are rows.
  package func writeRowMean(into mean: Matrix) {
    precondition(rowCount > 0 && mean.rowCount == 1 && mean.columnCount == columnCount, "shapes")
    mean.assign(rows(0..<1))
    for row in 1..<rowCount { mean.add(toEveryRow: rows(row..<row + 1)) }
    let share = 1 / Float(rowCount)
    for column in 0..<columnCount { mean.base[column] *= share }
  }

  /// All elements, row-major, copied.
  package var elements: [Float] {
    [Float](unsafeUninitializedCapacity: rowCount * columnCount) { buffer, count in
      count = rowCount * columnCount
      guard let target = buffer.baseAddress, count > 0 else { return }
      for row in 0..<rowCount {
        (target + row * columnCount).initialize(from: base + row * stride, count: columnCount)
      }
    }
  }
}
