#if canImport(Glibc)
  internal import Glibc
  private let systemWrite = Glibc.write
#elseif canImport(Musl)
  internal import Musl
  private let systemWrite = Musl.write
#elseif canImport(Darwin)
  internal import Darwin
  private let systemWrite = Darwin.write
#endif

/// Writes a `.safetensors` file, tensor after tensor, without holding it in memory.
///
/// The table comes first in the file, so names and shapes are given at the start and the numbers
/// follow in that order, in portions of any size. The file appears under its name when `finish` has
/// succeeded; until then it is `path` with `.partial` added, which is removed when the writer goes
/// away unfinished.
package final class SafetensorsWriter {
  /// A tensor that is to be written.
  package struct Tensor: Sendable, Hashable {
    /// Its name, unique in the file.
    package var name: String
    /// `.float32`, `.float16` or `.int64`.
    package var elementType: TensorElementType
    /// Its extents, outermost first.
    package var shape: [Int]

    /// A tensor to be written.
    package init(name: String, elementType: TensorElementType, shape: [Int]) {
      self.name = name
      self.elementType = elementType
      self.shape = shape
    }
  }

  private let path: String
  private let partialPath: String
  private var descriptor: CInt
  /// Elements that are still to come, of the tensors from the current one on.
  private var pending: [(elementType: TensorElementType, count: Int)]

  /// Creates the file and writes its table.
  ///
  /// - Precondition: names are unique, types are 32-bit or 16-bit floats or 64-bit integers.
  /// - Throws: `.unreadableFile` when the file cannot be written.
  package init(
    path: String, tensors: [Tensor], metadata: [String: String] = [:]
  ) throws(EncoderError) {
    precondition(Set(tensors.map(\.name)).count == tensors.count, "unique tensor names")
    precondition(
      tensors.allSatisfy { [.float32, .float16, .int64].contains($0.elementType) }, "writable types"
    )
    self.path = path
    partialPath = path + ".partial"
    pending = tensors.map { ($0.elementType, $0.shape.reduce(1, *)) }
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      descriptor = -1
      throw EncoderError(
        .unwritableFile, "cannot write \(path): it is no ordinary file; name a new file")
    }
    descriptor = open(partialPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw EncoderError(.unwritableFile, "cannot create \(partialPath): \(systemReason())")
    }
    skipCompleteTensors()
    let header = Self.header(tensors, metadata: metadata)
    var prefix: [UInt8] = []
    for shift in stride(from: 0, to: 64, by: 8) {
      prefix.append(UInt8(truncatingIfNeeded: header.count >> shift))
    }
    prefix += header
    try write(prefix.span.bytes)
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(partialPath)
  }

  /// Writes the next elements of the current tensor.
  ///
  /// - Precondition: the tensor is one of 32-bit floats with at least as many elements to come.
  /// - Throws: `.unreadableFile` when the file cannot be written.
  package func append(_ floats: [Float]) throws(EncoderError) {
    take(floats.count, of: .float32)
    try write(floats.span.bytes)
  }

  /// Writes the next elements of the current tensor.
  ///
  /// - Precondition: the tensor is one of 64-bit integers with at least as many elements to come.
  /// - Throws: `.unreadableFile` when the file cannot be written.
  package func append(_ integers: [Int64]) throws(EncoderError) {
    take(integers.count, of: .int64)
    try write(integers.span.bytes)
  }

  /// Writes the next elements of the current tensor, as the bits of binary16 numbers.
  ///
  /// - Precondition: the tensor is one of 16-bit floats with at least as many elements to come.
  /// - Throws: `.unreadableFile` when the file cannot be written.
  package func append(halves: [UInt16]) throws(EncoderError) {
    take(halves.count, of: .float16)
    try write(halves.span.bytes)
  }

  /// Gives the file its name.
  ///
  /// - Precondition: all elements have been written.
  /// - Throws: `.unreadableFile` when the file cannot be written.
  package func finish() throws(EncoderError) {
    precondition(pending.isEmpty && descriptor >= 0, "a complete file, finished once")
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0, rename(partialPath, path) == 0 else {
      let reason = systemReason()
      unlink(partialPath)
      throw EncoderError.system("write", path, reason: reason)
    }
  }

  private func take(_ count: Int, of elementType: TensorElementType) {
    guard count > 0 else { return }
    precondition(
      pending.first.map { $0.elementType == elementType && $0.count >= count } ?? false,
      "elements of the current tensor")
    pending[0].count -= count
    skipCompleteTensors()
  }

  private func skipCompleteTensors() {
    pending.removeFirst(pending.prefix { $0.count == 0 }.count)
  }

  private func write(_ bytes: RawSpan) throws(EncoderError) {
    var written = 0
    while written < bytes.byteCount {
      // Safe because the system reads no more than the bytes of the span.
      let count = bytes.extracting(droppingFirst: written).withUnsafeBytes { rest in
        systemWrite(descriptor, rest.baseAddress, rest.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        throw EncoderError.system("write", partialPath, reason: systemReason())
      }
      written += count
    }
  }

  // MARK: - Table

  private static func header(_ tensors: [Tensor], metadata: [String: String]) -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let entries = metadata.sorted { $0.key < $1.key }
        .map { quoted($0.key) + ":" + quoted($0.value) }
      members.append("\"__metadata__\":{" + entries.joined(separator: ",") + "}")
    }
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.shape.reduce(tensor.elementType.byteCount ?? 0, *)
      let shape = tensor.shape.map { String($0) }.joined(separator: ",")
      members.append(
        "\(quoted(tensor.name)):{\"dtype\":\"\(tensor.elementType)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    var bytes = Array(("{" + members.joined(separator: ",") + "}").utf8)
    // Spaces, so that the data starts on a multiple of eight bytes and can be used where it is.
    bytes += repeatElement(UInt8(ascii: " "), count: (8 - bytes.count % 8) % 8)
    return bytes
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
