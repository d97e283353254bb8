import FilipLinearAlgebra
import Foundation
import TestSupport
import Testing

@testable import FilipEncoders

@Suite struct SafetensorsFileTests {
  /// A file with the given header and data, read back.
  private func file(header: String, data: [UInt8]) throws -> SafetensorsFile {
    let path = temporaryPath()
    defer { unlink(path) }
    try write(bytes(header: header, data: data), to: path)
    return try SafetensorsFile(path: path)
  }

  private func bytes(header: String, data: [UInt8]) -> [UInt8] {
    let count = header.utf8.count
    let length = (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    return length + Array(header.utf8) + data
  }

  private func temporaryPath() -> String {
    NSTemporaryDirectory() + "filip-\(UInt64.random(in: 0...UInt64.max)).safetensors"
  }

  private func write(_ bytes: [UInt8], to path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  private func errorCode(header: String, data: [UInt8]) -> EncoderError.Code? {
    do {
      _ = try file(header: header, data: data)
      return nil
    } catch {
      return (error as? EncoderError)?.code
    }
  }

  @Test func `what the writer writes is read back`() throws {
    let path = temporaryPath()
    defer { unlink(path) }
    let writer = try SafetensorsWriter(
      path: path,
      tensors: [
        .init(name: "tokens \"a\"\n", elementType: .float32, shape: [2, 3]),
        .init(name: "empty", elementType: .float32, shape: [0, 3]),
        .init(name: "offsets", elementType: .int64, shape: [2]),
      ], metadata: ["model": "é"])
    try writer.append([1, 2] as [Float])
    try writer.append([3, 4, 5, 6] as [Float])
    #expect(!fileExists(path))
    try writer.append([7, -1] as [Int64])
    try writer.finish()

    let file = try SafetensorsFile(path: path)
    #expect(file.metadata == ["model": "é"])
    #expect(file.tensors.count == 3)
    let tokens = try #require(file.tensors["tokens \"a\"\n"])
    #expect(tokens.byteRange.lowerBound % 8 == 0)
    #expect(try file.matrix(of: tokens).elements == [1, 2, 3, 4, 5, 6])
    #expect(try file.matrix(of: #require(file.tensors["empty"])).rowCount == 0)
    let offsets = try #require(file.tensors["offsets"])
    #expect(throws: EncoderError.self) { try file.matrix(of: offsets) }
  }

  @Test func `a writer that goes away unfinished leaves nothing`() throws {
    let path = temporaryPath()
    do {
      let writer = try SafetensorsWriter(
        path: path, tensors: [.init(name: "a", elementType: .float32, shape: [2])])
      try writer.append([1] as [Float])
    }
    #expect(!fileExists(path) && !fileExists(path + ".partial"))
  }

  @Test func `half precision and unaligned floats are converted`() throws {
    // The data starts at an odd address.
    let header = """
      {"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},\
      "b":{"dtype":"BF16","shape":[1,2],"data_offsets":[4,8]},\
      "c":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}
      """
    let padding = String(repeating: " ", count: (9 - header.utf8.count % 8) % 8)
    let data: [UInt8] = [0, 0x3C, 0, 0xC0, 0x80, 0x3F, 0, 0xC0, 0, 0, 0x20, 0x41]
    let file = try file(header: header + padding, data: data)
    func floats(_ name: String) throws -> [Float] {
      try file.matrix(of: #require(file.tensors[name])).elements
    }
    #expect(try floats("a") == [1, -2])
    #expect(try floats("b") == [1, -2])
    #expect(try floats("c") == [10])
  }

  @Test(arguments: [
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,7]}}"#,
    #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#,
    #"{"a":{"dtype":"F32","shape":[0],"data_offsets":[8,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[0],"data_offsets":[9,9]}}"#,
    #"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#,
    #"{"a":{"dtype":"F32","shape":[2]}}"#, #"{"a":3}"#, #"[1]"#, #"{"a":{}"#, "",
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":3}"#,
  ])
  func `a header that contradicts the file is an error`(header: String) {
    #expect(errorCode(header: header, data: Array(repeating: 0, count: 8)) == .malformedFile)
  }

  @Test func `a type that is not read is listed, and refused when read`() throws {
    let file = try file(
      header: #"{"a":{"dtype":"Q9","shape":[2],"data_offsets":[0,8]}}"#,
      data: Array(repeating: 0, count: 8))
    let tensor = try #require(file.tensors["a"])
    #expect(tensor.elementType.name == "Q9")
    let error = #expect(throws: EncoderError.self) { try file.matrix(of: tensor) }
    #expect(error?.code == .unsupportedElementType)
  }

  @Test func `a missing file is an error that names it`() {
    let error = #expect(throws: EncoderError.self) { try SafetensorsFile(path: "/no/such.file") }
    #expect(error?.code == .unreadableFile)
    #expect(error?.description.contains("/no/such.file") == true)
  }

  /// Loads every tensor of a file that may be damaged; what it returns does not matter, as long as
  /// it returns.
  private func load(_ path: String) -> Bool {
    do {
      let file = try SafetensorsFile(path: path)
      for tensor in file.tensors.values { _ = try file.matrix(of: tensor).elements }
      return true
    } catch {
      return false
    }
  }

  @Test func `a file cut short anywhere is an error`() throws {
    let source = try ModelFixture.directory("filip-plain") + "/model.safetensors"
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: source)))
    let path = temporaryPath()
    defer { unlink(path) }
    for step in 0..<60 {
      try write(Array(bytes.prefix(bytes.count * step / 60)), to: path)
      #expect(!load(path), "cut at \(step)/60")
    }
    try write(bytes, to: path)
    #expect(load(path))
  }

  @Test func `a wrong byte in the header is an error or harmless, never a crash`() throws {
    let source = try ModelFixture.directory("filip-plain") + "/model.safetensors"
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: source)))
    let headerEnd = 8 + Int(bytes[0]) + Int(bytes[1]) << 8
    let path = temporaryPath()
    defer { unlink(path) }
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<300 {
      var damaged = bytes
      let position = Int.random(in: 0..<headerEnd, using: &generator)
      damaged[position] = UInt8.random(in: 0...255, using: &generator)
      try write(damaged, to: path)
      _ = load(path)
    }
  }
}
