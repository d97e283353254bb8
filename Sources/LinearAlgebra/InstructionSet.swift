internal import CKernels

/// A set of machine instructions that the kernels are compiled for; better ones later.
package enum InstructionSet: String, CaseIterable, Sendable {
  /// One element at a time: the definition the others are tested against.
  case scalar
  /// What every machine of the architecture has: SSE2 or NEON.
  case baseline
  /// AVX2 and FMA.
  case avx2
  /// AVX-512 F, BW, DQ, VL.
  case avx512
  /// The same and VNNI, for scans of quantised tokens.
  case avx512VNNI
  /// arm64 with the dot product instructions, for scans of quantised tokens.
  case neonDotProduct

  private var kernel: ck_isa {
    switch self {
    case .scalar: CK_ISA_SCALAR
    case .baseline: CK_ISA_BASELINE
    case .avx2: CK_ISA_AVX2
    case .avx512: CK_ISA_AVX512
    case .avx512VNNI: CK_ISA_AVX512_VNNI
    case .neonDotProduct: CK_ISA_NEON_DOTPROD
    }
  }

  /// The set in use: the best of this machine, unless forced.
  package static var current: InstructionSet {
    let current = ck_current_isa()
    return allCases.first { $0.kernel == current } ?? .scalar
  }

  /// Uses this set from now on, in the whole process; `false`, and no change, when the machine
  /// lacks it. For tests and benchmarks.
  package func force() -> Bool { ck_force_isa(kernel) == 1 }

  /// Returns to the best set of this machine.
  package static func chooseBest() { ck_choose_isa() }
}
