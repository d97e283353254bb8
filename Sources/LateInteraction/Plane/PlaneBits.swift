/// How finely the scan plane keeps each dimension of a token.
public enum PlaneBits: UInt8, Sendable, CaseIterable {
  /// Half a byte: the high nibble of the code.
  case four = 4
  /// A byte, as two nibbles that lie apart.
  case eight = 8
}
