internal import CKernels

/// Replaces `values[range]` by its Walsh-Hadamard transform, not normalised.
///
/// `y[i] = Σ (−1)^popcount(i & j) x[j]`; applied twice it multiplies by `range.count`. The
/// additions have one order, so all instruction sets agree to the bit.
/// - Complexity: n log₂ n additions.
/// - Precondition: the range lies in the array and its length is a power of two.
package func hadamard(_ values: inout [Double], range: Range<Int>) {
  precondition(range.lowerBound >= 0 && range.upperBound <= values.count, "range of values")
  precondition(range.count > 0 && range.count & (range.count - 1) == 0, "power of two")
  // Safe because the range was checked against the array.
  values.withUnsafeMutableBufferPointer { values in
    ck_hadamard_f64(values.baseAddress.map { $0 + range.lowerBound }, range.count)
  }
}
