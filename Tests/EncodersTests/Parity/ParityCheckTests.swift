import Foundation
import TestSupport
import Testing

@testable import FilipEncoders

@Suite struct ParityCheckTests {
  @Test(arguments: ["clip-quick-gelu", "filip-plain", "vision-siglip"])
  func `vectors of the reference are met in every tensor of the file`(name: String) throws {
    let fixture = try ModelFixture(name)
    let differences = try #require(try ParityCheck(fixture.model)).differences
    let names = differences.map(\.name)
    #expect(names.contains("image.pooled"))
    for mode in fixture.model.tokenModes {
      let name = "image.\(mode.rawValue)"
      #expect(names.contains(name) == fixture.contains(name))
    }
    #expect(names.contains("image.\(fixture.model.defaultTokenMode.rawValue)"))
    if fixture.contains("text.3.ids") { #expect(names.contains("text.3.tokens")) }
    #expect(differences.allSatisfy { $0.largest <= 1e-4 && $0.largest > 0 })
  }

  @Test func `a weight that has changed shows`() throws {
    let folder = try TemporaryDirectory()
    let source = try ModelFixture.directory("filip-plain")
    let copy = folder.path + "/model"
    try FileManager.default.copyItem(atPath: source, toPath: copy)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: copy + "/model.safetensors"))
    // The header's length stands first; a float's sign and exponent are changed behind it.
    let header = bytes.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
    for index in stride(from: 8 + header + 3, to: bytes.count, by: 4_000) { bytes[index] ^= 0x80 }
    try bytes.write(to: URL(fileURLWithPath: copy + "/model.safetensors"))
    let check = try #require(try ParityCheck(ModelDirectory(path: copy)))
    #expect(try #require(check.differences.map(\.largest).max()) > 1e-2)
    try FileManager.default.removeItem(atPath: copy + "/parity.safetensors")
    #expect(try ParityCheck(ModelDirectory(path: copy)) == nil)
  }
}
