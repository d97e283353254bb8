import FilipQuery
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct FilePathTests {
  @Test func `paths keep bytes that are not UTF-8`() {
    let bytes: [UInt8] = [0x2F, 0x61, 0xFF, 0x0A, 0xC3]
    #expect(FilePath(bytes: bytes).bytes == bytes)
  }

  @Test func `globs match a name or a whole path`() {
    let path = FilePath("/photos/2024/IMG_1.JPG")
    #expect(path.matches(glob: "*.JPG"))
    #expect(path.matches(glob: "/photos/*"))
    #expect(path.matches(glob: "IMG_?.*"))
    #expect(!path.matches(glob: "*.jpg"))
    #expect(!path.matches(glob: "photos"))
  }
}
