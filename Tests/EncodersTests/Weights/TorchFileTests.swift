import FilipLinearAlgebra
import Foundation
import TestSupport
import Testing

@testable import FilipEncoders

/// Files that PyTorch itself wrote (`Training/fixtures/make_checkpoint_fixtures.py`), and bytes
/// that nobody should have written.
@Suite struct TorchFileTests {
  private struct Expectation: Decodable {
    struct Tensor: Decodable {
      var shape: [Int]
      var values: [Double]
    }
    var read: [String: [String: Tensor]]
    var refused: [String: String]
  }

  private let folder: String
  private let expected: Expectation

  init() throws {
    folder = try ModelFixture.directory("torch")
    expected = try JSONDecoder().decode(
      Expectation.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/expected.json")))
  }

  private func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
  }

  /// Calls `body` with the path of a file of these bytes.
  private func withFile<Result>(
    _ bytes: [UInt8], _ body: (String) throws -> Result
  ) throws -> Result {
    let path = NSTemporaryDirectory() + "filip-\(UInt64.random(in: 0...UInt64.max)).pt"
    defer { unlink(path) }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try body(path)
  }

  /// The elements of a tensor in their order, whatever they are.
  private func values(_ tensor: TensorView) throws -> [Double] {
    if (try? tensor.floatFormat) != nil { return try tensor.matrix().elements.map(Double.init) }
    let width = try #require(tensor.elementType.byteCount)
    let bytes = tensor.edges(byteCount: 1 << 20).first
    return stride(from: 0, to: bytes.count, by: width).map { start in
      let bits = bytes[start..<start + width].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return tensor.elementType.name == "F64" ? Double(bitPattern: bits) : Double(Int64(bits))
    }
  }

  // MARK: - What is read

  @Test func `every form of file gives the tensors that PyTorch put into it`() throws {
    #expect(expected.read.count >= 10)
    for (name, tensors) in expected.read {
      let views = try WeightFile.tensors(at: folder + "/" + name)
      #expect(Set(views.map(\.name)) == Set(tensors.keys), "\(name)")
      for view in views {
        let tensor = try #require(tensors[view.name])
        #expect(view.shape == tensor.shape, "\(name): \(view.name)")
        #expect(try values(view) == tensor.values, "\(name): \(view.name)")
      }
    }
  }

  @Test func `half precision and unusual types keep their names`() throws {
    let views = try TorchFile(path: folder + "/kinds.pt").tensors
    let types = Dictionary(uniqueKeysWithValues: views.map { ($0.name, $0.elementType.name) })
    #expect(
      types == [
        "f32": "F32", "f16": "F16", "bf16": "BF16", "i64": "I64", "f64": "F64", "flag": "BOOL",
      ])
    let doubles = try #require(views.first { $0.name == "f64" })
    let error = #expect(throws: EncoderError.self) { try doubles.matrix() }
    #expect(error?.code == .unsupportedElementType)
  }

  @Test func `rows of a transposed tensor are read one at a time`() throws {
    let views = try TorchFile(path: folder + "/strided.pt").tensors
    let table = try RowTable(#require(views.first { $0.name == "transposed" }))
    let row = Matrix(rowCount: 1, columnCount: table.columnCount)
    for index in 0..<table.rowCount {
      table.copyRow(index, to: row)
      #expect(row.elements == (0..<4).map { Float(6 * $0 + index) })
    }
  }

  // MARK: - What is refused

  @Test func `objects of other programs are refused by name`() throws {
    #expect(expected.refused.count == 5)
    for (name, words) in expected.refused {
      let error = #expect(throws: EncoderError.self) {
        try WeightFile.tensors(at: folder + "/" + name)
      }
      let text = error?.description ?? ""
      #expect(text.contains(words) && !text.contains("\n"), "\(name): \(text)")
    }
  }

  /// A pickle of protocol 2 in the older form of file, its state dict made by these operations.
  private func refusal(of operations: [UInt8]) throws -> EncoderError? {
    // Magic number, version 1001, {"little_endian": True}.
    let head: [UInt8] =
      [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
      + [0x80, 2, 0x4D, 0xE9, 0x03, 0x2E] + [0x80, 2, 0x7D, 0x2E]
    return try withFile(head + [0x80, 2] + operations + [0x2E, 0x80, 2, 0x5D, 0x2E]) { path in
      do throws(EncoderError) {
        _ = try TorchFile(path: path)
        return nil
      } catch {
        return error
      }
    }
  }

  private func text(_ text: String) -> [UInt8] {
    [0x8C, UInt8(text.utf8.count)] + Array(text.utf8)
  }

  @Test func `a call is never more than data`() throws {
    // posix.system("true"), as a value of a state dict and as the whole of it.
    let call = Array("cposix\nsystem\n".utf8) + text("true") + [0x85, 0x52]
    for operations in [[0x7D] + text("a") + call + [0x73], call] {
      let error = try #require(try refusal(of: operations))
      #expect(error.code == .unsupportedModel)
      #expect(error.description.contains("posix.system"), "\(error)")
    }
    // Under a key that nobody needs it is passed over; then there is no tensor.
    let unneeded = [0x7D] + text("a") + call + [0x73]
    let model = [0x7D] + text("args") + unneeded + [0x73] + text("model") + [0x7D, 0x73]
    #expect(try refusal(of: model)?.description.contains("no tensors") == true)
  }

  @Test func `deep, endless and overgrown pickles are errors`() throws {
    // A tuple in a tuple in a tuple …
    let deep = [0x29] + [UInt8](repeating: 0x85, count: 100_000)
    // Dictionaries, each twice in the next: 2⁶⁰ members.
    var doubled: [UInt8] = [0x7D]
    for level in 0..<60 as Range<UInt8> {
      doubled += [0x71, level, 0x30, 0x7D]
      doubled += text("a") + [0x68, level, 0x73] + text("b") + [0x68, level, 0x73]
    }
    // A dictionary that is its own member.
    let endless = [0x7D, 0x71, 0] + text("a") + [0x68, 0, 0x73]
    // More objects than are believed.
    let overgrown = [UInt8](repeating: 0x7D, count: 600_000)
    for operations in [deep, doubled, endless, overgrown] {
      let error = try #require(try refusal(of: operations))
      #expect(!error.description.contains("\n"))
    }
  }

  @Test(
    arguments: [
      [], [0x30], [0x28], [0x28, 0x30], [0x61], [0x73], [0x75], [0x7D, 0x75], [0x52], [0x62],
      [0x51],
      [0x93], [0x68, 9], [0x85], [0x87], [0x58, 0xFF, 0xFF, 0xFF, 0x7F],
      [0x8B, 0xFF, 0xFF, 0xFF, 0xFF],
      [0x8D, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x8C, 1, 0xFF], [0x63, 0x61],
      [0x28, 0x4E, 0x64], [0x28, 0x7D, 0x4E, 0x75], [0x4E, 0x4E, 0x61], [0x49], [0x82, 1], [0x97],
    ] as [[UInt8]])
  func `operations that Python would refuse are errors`(operations: [UInt8]) throws {
    let error = try #require(try refusal(of: operations))
    #expect([.malformedFile, .unsupportedModel].contains(error.code))
  }

  /// Reads all of a file's tensors; what it returns does not matter, as long as it returns.
  private func load(_ path: String) -> Bool {
    do {
      for tensor in try WeightFile.tensors(at: path) {
        _ = (try? tensor.matrix().elements, tensor.edges(byteCount: 64))
      }
      return true
    } catch {
      return false
    }
  }

  @Test(arguments: ["strided.pt", "legacy.pt", "program.pt"])
  func `a file cut short anywhere is an error`(name: String) throws {
    let bytes = try bytes(name)
    for step in 0..<100 {
      let count = bytes.count * step / 100
      #expect(try !withFile(Array(bytes.prefix(count)), load), "\(count) of \(bytes.count)")
    }
    #expect(try withFile(bytes, load))
  }

  @Test(arguments: ["strided.pt", "legacy-strided.pt", "program.pt", "training.ckpt"])
  func `wrong bytes are an error or harmless, never a crash`(name: String) throws {
    let bytes = try bytes(name)
    var generator = SeededGenerator(seed: 23)
    for _ in 0..<300 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        damaged[position] = UInt8.random(in: 0...255, using: &generator)
      }
      _ = try withFile(damaged, load)
    }
  }

  @Test func `an archive with compressed numbers, or of a big-endian machine, says so`() throws {
    var bytes = try bytes("plain.pt")
    // `little` stands in the entry `byteorder`.
    let place = try #require(
      bytes.indices.first { bytes[$0...].starts(with: "little".utf8) })
    bytes.replaceSubrange(place..<place + 6, with: "bigger".utf8)
    let error = try withFile(bytes) { path in
      #expect(throws: EncoderError.self) { try TorchFile(path: path) }
    }
    #expect(error?.description.contains("little-endian") == true)

    var compressed = try self.bytes("plain.pt")
    // The method of each entry of the table of contents.
    for index in compressed.indices where compressed[index...].starts(with: [0x50, 0x4B, 1, 2]) {
      compressed[index + 10] = 8
    }
    let refusal = try withFile(compressed) { path in
      #expect(throws: EncoderError.self) { try TorchFile(path: path) }
    }
    #expect(refusal?.description.contains("compressed") == true)
  }
}
