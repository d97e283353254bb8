/// How the linear layers of a tower compute. Everything between them is done in 32-bit floats.
///
/// Tokens of one model are comparable whatever they were computed with: see ARCHITECTURE.md,
/// "Speed of encoding".
public enum ComputeFormat: String, CaseIterable, Sendable, Hashable {
  /// 32-bit floats, the reference.
  case float32 = "f32"
  /// 8-bit integers: weights with a scale per output, activations with a scale and a zero per
  /// token, exact sums. About three times as fast, and a quarter of the memory.
  case int8
}
