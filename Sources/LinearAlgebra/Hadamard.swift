internal import CKernels

/// Replaces `values` by their Walsh-Hadamard transform, not normalised.
///
/// `y[i] = Σ (−1)^popcount(i & j) x[j]`; applied twice it multiplies by the count. The additions have
/// one order, so all instruction sets agree to the bit.
/// - Complexity: n log₂ n additions.
/// - Precondition: the count is a power of two.
package func hadamard(_ values: UnsafeMutableBufferPointer<Double>) {
  precondition(values.count > 0 && values.count & (values.count - 1) == 0, "power of two")
  ck_hadamard_f64(values.baseAddress, values.count)
}
