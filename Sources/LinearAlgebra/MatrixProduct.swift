internal import COpenBLAS

/// OpenBLAS keeps one thread count for the whole process; ours is always one, and parallelism
/// lies above it (Debian's OpenBLAS has no per-call count).
let singleThreaded: Void = openblas_set_num_threads(1)

/// Writes `scale · a · bᵀ + keep · c` to `c`.
///
/// Shapes: `a` (m, k), `b` (n, k), `c` (m, n). `keep` 0 overwrites whatever `c` held.
/// - Complexity: m·n·k multiply-adds.
package func multiply(
  _ a: Matrix, transposed b: Matrix, into c: Matrix, scale: Float = 1, keep: Float = 0
) {
  precondition(
    a.columnCount == b.columnCount && c.rowCount == a.rowCount && c.columnCount == b.rowCount,
    "shapes of a product with a transposed right side")
  guard c.rowCount > 0, c.columnCount > 0 else { return }
  _ = singleThreaded
  cblas_sgemm(
    CblasRowMajor, CblasNoTrans, CblasTrans, blasint(c.rowCount), blasint(c.columnCount),
    blasint(a.columnCount), scale, a.base, blasint(max(a.stride, 1)), b.base,
    blasint(max(b.stride, 1)), keep, c.base, blasint(c.stride))
}

/// Writes `scale · a · b + keep · c` to `c`.
///
/// Shapes: `a` (m, k), `b` (k, n), `c` (m, n). `keep` 0 overwrites whatever `c` held.
/// - Complexity: m·n·k multiply-adds.
package func multiply(
  _ a: Matrix, _ b: Matrix, into c: Matrix, scale: Float = 1, keep: Float = 0
) {
  precondition(
    a.columnCount == b.rowCount && c.rowCount == a.rowCount && c.columnCount == b.columnCount,
    "shapes of a product")
  guard c.rowCount > 0, c.columnCount > 0 else { return }
  _ = singleThreaded
  cblas_sgemm(
    CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(c.rowCount), blasint(c.columnCount),
    blasint(a.columnCount), scale, a.base, blasint(max(a.stride, 1)), b.base,
    blasint(max(b.stride, 1)), keep, c.base, blasint(c.stride))
}
