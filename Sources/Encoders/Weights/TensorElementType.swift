/// How a weight file stores the numbers of a tensor.
public struct TensorElementType: Sendable, Hashable, CustomStringConvertible {
  /// The name in safetensors files, such as `F16`.
  public let name: String
  /// Bytes of one element; `nil` when the type is unknown or its elements are no whole bytes.
  public let byteCount: Int?

  /// The type that safetensors files call `name`; unknown names are kept.
  init(name: String) {
    self.name = name
    byteCount =
      switch name {
      case "F64", "I64", "U64", "C64": 8
      case "F32", "I32", "U32": 4
      case "F16", "BF16", "I16", "U16": 2
      case "I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0": 1
      default: nil
      }
  }

  /// IEEE binary32.
  public static let float32 = TensorElementType(name: "F32")
  /// IEEE binary16.
  public static let float16 = TensorElementType(name: "F16")
  /// The upper half of a binary32.
  public static let brainFloat16 = TensorElementType(name: "BF16")
  /// 64-bit signed integers.
  public static let int64 = TensorElementType(name: "I64")
  /// 32-bit signed integers.
  public static let int32 = TensorElementType(name: "I32")

  /// The name in safetensors files.
  public var description: String { name }
}
