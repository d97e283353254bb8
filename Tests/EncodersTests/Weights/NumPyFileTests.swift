import FilipLinearAlgebra
import Foundation
import TestSupport
import Testing

@testable import FilipEncoders

@Suite struct NumPyFileTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func fixture(_ name: String) throws -> StoredTensor {
    try NumPyFile.open(Bundle.module.resourcePath! + "/Fixtures/numpy/" + name)
  }

  private func open(_ bytes: [UInt8]) throws -> StoredTensor {
    let path = folder.path + "/\(UInt64.random(in: 0...UInt64.max)).npy"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try NumPyFile.open(path)
  }

  private func error(_ body: () throws -> StoredTensor) -> EncoderError? {
    do {
      _ = try body()
      return nil
    } catch {
      return error as? EncoderError
    }
  }

  /// A file with a header of the caller's and `count` zero bytes.
  private func file(_ header: String, zeros count: Int = 0, version: UInt8 = 1) -> [UInt8] {
    let text = Array(header.utf8)
    let length = (0..<(version == 1 ? 2 : 4)).map { UInt8(text.count >> (8 * $0) & 0xFF) }
    return NumPyFile.magic + [version, 0] + length + text + [UInt8](repeating: 0, count: count)
  }

  @Test func `what NumPy wrote is read: all versions, floats and integers`() throws {
    let expected = (0..<24).map { (Float($0) - 7.5) / 8 }
    let cube = try fixture("f4-3d.npy")
    #expect(cube.shape == [2, 3, 4] && cube.rowCount == 2 && cube.rowWidth == 12)
    #expect(try cube.floats(0..<2) == expected)
    #expect(try cube.floats(1..<2) == Array(expected[12...]))
    #expect(try cube.floats(1..<1).isEmpty)
    let halves = try fixture("f2-2d-v2.npy")
    #expect(halves.shape == [6, 4])
    #expect(try halves.floats(0..<6) == expected)
    #expect(try fixture("i4-v3.npy").integers(0..<4) == [1, 2, 0, -3])
    #expect(try fixture("i8.npy").integers(0..<3) == [5, -1, 1 << 40])
    #expect(try fixture("empty-f4.npy").shape == [0, 4])
    #expect(try fixture("scalar-f4.npy").floats(0..<1) == [2.5])
    #expect(throws: EncoderError.self) { try fixture("i8.npy").floats(0..<3) }
    #expect(throws: EncoderError.self) { try cube.integers(0..<2) }
  }

  @Test(arguments: [
    ("f8.npy", "<f8"), ("big-endian-f4.npy", ">f4"), ("bool.npy", "|b1"), ("objects.npy", "|O"),
    ("records.npy", "[('a', '<i4')"), ("fortran-f4.npy", "Fortran"),
  ]) func `what is not read is refused by its name`(name: String, hint: String) throws {
    let error = try #require(error { try fixture(name) })
    #expect(error.description.contains(hint), "\(error)")
  }

  @Test func `every truncation of a file is refused, and so is one byte too many`() throws {
    let path = Bundle.module.resourcePath! + "/Fixtures/numpy/i4-v3.npy"
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    for count in 0..<whole.count {
      #expect(error { try open(Array(whole[..<count])) }?.code == .malformedFile, "\(count) bytes")
    }
    #expect(error { try open(whole + [0]) }?.code == .malformedFile)
    #expect(try open(whole).integers(0..<4) == [1, 2, 0, -3])
  }

  @Test func `hostile headers are refused`() throws {
    func header(_ shape: String, type: String = "'<f4'", order: String = "False") -> String {
      "{'descr': \(type), 'fortran_order': \(order), 'shape': \(shape), }\n"
    }
    #expect(try open(file(header("(2,)"), zeros: 8)).floats(0..<2) == [0, 0])
    let hostile = [
      header("(-1,)"), header("(4611686018427387904, 4611686018427387904)"), header("(2)"),
      header("(0, 4611686018427387904, 4611686018427387904)"), header("(9223372036854775807,)"),
      header("(99999999999999999999,)"), header("(2,,)"),
      header("2"), header("(2L,)"), header("(2,)", order: "Maybe"), header("(2,)", order: "0"),
      header("(2,)", type: "'<f4"), header("(2,)", type: "[[["), header("(2,)", type: "'<\\x664'"),
      header("(2,)") + "more", "{'descr': '<f4', 'shape': (2,), }",
      "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}", "{", "", "{'descr'",
      "{'descr': '<f4' 'fortran_order': False 'shape': (2,)}",
    ]
    for text in hostile {
      #expect(error { try open(file(text, zeros: 8)) }?.code == .malformedFile, "\(text)")
    }
    // Lengths that do not fit, versions that are not known, another magic number.
    #expect(error { try open(NumPyFile.magic + [1, 0, 0xFF, 0xFF, 0x20]) } != nil)
    #expect(error { try open(NumPyFile.magic + [2, 0, 0xFF, 0xFF, 0xFF, 0x7F, 0x20]) } != nil)
    #expect(error { try open(file(header("(2,)"), zeros: 8, version: 4)) } != nil)
    #expect(error { try open(Array("PK".utf8) + file(header("(2,)"), zeros: 8)) } != nil)
    #expect(error { try NumPyFile.open(folder.path) }?.code == .unreadableFile)
    #expect(error { try NumPyFile.open(folder.path + "/none.npy") }?.code == .unreadableFile)
  }

  @Test func `no header with a flipped or lost byte leaves the file`() throws {
    var generator = SeededGenerator(seed: 7)
    let whole = NumPyFile.header(.float32, shape: [3, 2]) + [UInt8](repeating: 1, count: 24)
    for _ in 0..<300 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0..<128, using: &generator)
        bytes[place] = UInt8.random(in: 0...255, using: &generator)
      }
      // Either refused or a tensor whose every element can be read.
      guard let tensor = try? open(bytes) else { continue }
      if let floats = try? tensor.floats(0..<tensor.rowCount) { #expect(floats.count <= 6) }
      _ = try? tensor.integers(0..<tensor.rowCount)
    }
  }

  @Test func `headers are written as NumPy writes them`() throws {
    for (name, type, shape) in [
      ("f4-3d.npy", TensorElementType.float32, [2, 3, 4]), ("i8.npy", .int64, [3]),
      ("scalar-f4.npy", .float32, []),
    ] {
      let path = Bundle.module.resourcePath! + "/Fixtures/numpy/" + name
      let header = NumPyFile.header(type, shape: shape)
      let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      #expect(Array(whole.prefix(header.count)) == header)
    }
  }
}
