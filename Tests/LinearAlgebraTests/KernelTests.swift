import FilipLinearAlgebra
import Testing

/// The suites that force instruction sets.
///
/// Serialized, because the instruction set is the process's.
@Suite(.serialized) enum KernelTests {
  /// Runs `body` with each instruction set that this machine has.
  static func withEachInstructionSet(_ body: (InstructionSet) throws -> Void) rethrows {
    defer { InstructionSet.chooseBest() }
    for set in InstructionSet.allCases where set.force() {
      #expect(InstructionSet.current == set)
      try body(set)
    }
  }
}
