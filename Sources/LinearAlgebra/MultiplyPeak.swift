internal import CKernels

/// Multiplies small integers in registers for some rounds, as the scan kernel in use does between
/// its reads.
/// - Returns: how many products of two 8-bit numbers that were (4-bit ones count alike), and what
///   came of them.
package func multiplyInRegisters(rounds: Int) -> (productCount: Double, result: Int32) {
  var result: Int32 = 0
  let productCount = ck_multiply_in_registers(rounds, &result)
  return (productCount, result)
}
