internal import COpenBLAS

/// A symmetric matrix of doubles that grows by outer products: the second moments of vectors.
package struct SymmetricMatrix: Sendable {
  /// Number of rows and columns.
  package let order: Int
  /// (order, order), row-major; only the elements with column ≤ row are meant.
  private var lower: [Double]

  /// A matrix of zeros.
  package init(order: Int) {
    precondition(order > 0, "order of a symmetric matrix")
    self.order = order
    lower = [Double](repeating: 0, count: order * order)
  }

  /// The element in a row and column.
  package subscript(row: Int, column: Int) -> Double {
    lower[max(row, column) * order + min(row, column)]
  }

  /// Adds `Σ v vᵀ` over the vectors v, the rows of `elements`, (count, order) row-major.
  /// - Complexity: count · order² / 2 multiply-adds.
  package mutating func addOuterProducts(of elements: [Float]) {
    precondition(elements.count.isMultiple(of: order), "whole rows")
    guard !elements.isEmpty else { return }
    _ = singleThreaded
    let doubles = elements.map(Double.init)
    cblas_dsyrk(
      CblasRowMajor, CblasLower, CblasTrans, blasint(order), blasint(elements.count / order), 1,
      doubles, blasint(order), 1, &lower, blasint(order))
  }

  /// The eigenvectors of the `count` largest eigenvalues, largest first, as unit rows of
  /// (count, order), row-major.
  ///
  /// LAPACK's `dsyevd`. The component of largest magnitude is positive in every row. Rows of equal
  /// eigenvalues are some orthonormal basis of their space.
  /// - Precondition: `count` is at most the order, and all elements are finite.
  /// - Complexity: about 4 order³ operations: 0.3 s for an order of 768 (one thread of a 2-core
  ///   x86-64 machine), and room for 3 order² doubles.
  package func leadingEigenvectors(_ count: Int) -> [Double] {
    precondition((0...order).contains(count), "count of eigenvectors")
    _ = singleThreaded
    // LAPACK counts columns first: what is our lower half is its upper one, and each of its columns
    // comes back as one of our rows.
    var (job, half) = (CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "U")))
    var size = blasint(order)
    var vectors = lower
    var values = [Double](repeating: 0, count: order)
    var work = [Double](repeating: 0, count: 1 + 6 * order + 2 * order * order)
    var indices = [blasint](repeating: 0, count: 3 + 5 * order)
    var (workCount, indexCount) = (blasint(work.count), blasint(indices.count))
    var (leadingDimension, status) = (size, blasint(0))
    dsyevd_(
      &job, &half, &size, &vectors, &leadingDimension, &values, &work, &workCount, &indices,
      &indexCount, &status, 1, 1)
    precondition(status == 0, "eigenvalues of finite elements")
    var leading: [Double] = []
    leading.reserveCapacity(count * order)
    for index in (order - count..<order).reversed() {
      let vector = vectors[index * order..<(index + 1) * order]
      let largest = vector.max { abs($0) < abs($1) } ?? 0
      leading += largest < 0 ? vector.map { -$0 } : Array(vector)
    }
    return leading
  }
}
