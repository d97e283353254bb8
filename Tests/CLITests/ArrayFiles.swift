import Foundation
import Testing

/// A `.safetensors` file of tensors in their order, written without the program's own writer.
func writeSafetensors(
  _ tensors: [(name: String, type: String, shape: [Int], bytes: Data)],
  metadata: [String: String] = [:], to path: String
) throws {
  var header: [String: Any] = metadata.isEmpty ? [:] : ["__metadata__": metadata]
  var end = 0
  for tensor in tensors {
    header[tensor.name] = [
      "dtype": tensor.type, "shape": tensor.shape,
      "data_offsets": [end, end + tensor.bytes.count],
    ]
    end += tensor.bytes.count
  }
  let text = try JSONSerialization.data(withJSONObject: header)
  var file = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) } + text
  for tensor in tensors { file += tensor.bytes }
  try file.write(to: URL(fileURLWithPath: path))
}

/// A `.npy` file of version 1.0.
func writeArray(_ type: String, _ shape: [Int], _ bytes: Data, to path: String) throws {
  let extents = shape.map { "\($0), " }.joined()
  let header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(extents)), }\n"
  var file = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0])
  file += Data([UInt8(header.utf8.count & 255), UInt8(header.utf8.count >> 8)])
  try (file + Data(header.utf8) + bytes).write(to: URL(fileURLWithPath: path))
}

/// The bytes of numbers as they lie in memory.
func bytes<Element>(_ elements: [Element]) -> Data {
  elements.withUnsafeBytes { Data($0) }
}

/// A `.safetensors` file, read without the program's own reader.
func readSafetensors(
  _ path: String
) throws -> (
  tensors: [String: (type: String, shape: [Int], bytes: Data)], metadata: [String: String]
) {
  let file = try Data(contentsOf: URL(fileURLWithPath: path))
  let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
  let header = try #require(
    try JSONSerialization.jsonObject(with: file[8..<8 + length]) as? [String: Any])
  var tensors: [String: (type: String, shape: [Int], bytes: Data)] = [:]
  var end = 0
  for (name, value) in header where name != "__metadata__" {
    let entry = try #require(value as? [String: Any])
    let offsets = try #require(entry["data_offsets"] as? [Int])
    tensors[name] = (
      try #require(entry["dtype"] as? String), try #require(entry["shape"] as? [Int]),
      Data(file[8 + length + offsets[0]..<8 + length + offsets[1]])
    )
    end = max(end, offsets[1])
  }
  #expect(8 + length + end == file.count, "nothing behind the last tensor")
  return (tensors, header["__metadata__"] as? [String: String] ?? [:])
}
