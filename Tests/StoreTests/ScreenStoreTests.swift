import FilipLateInteraction
import FilipLinearAlgebra
import TestSupport
import Testing

@testable import FilipStore

@Suite struct ScreenStoreTests {
  /// A store with one segment of three images, its codebook and its screen.
  private final class Screened {
    let folder = TemporaryFolder()
    let store: TokenStore
    let codebook: ScreenCodebook
    let segment: UInt64
    var generator: SeededGenerator

    init() throws {
      var generator = SeededGenerator(seed: 21)
      let store = try TokenStore.open(at: folder.path, mode: .create)
      try store.write { writer in
        for number in 1...3 {
          try writer.insert(image("/\(number)"), tokens: generator.tokens(number + 2, 16))
        }
      }
      let sample = Matrix(generator.floats(90 * 16), rowCount: 90, columnCount: 16)
      codebook = ScreenCodebook(learningFrom: sample, centroidCount: 16, tokenCount: 12)
      segment = try store.read { try $0.segmentIDs()[0] }
      self.store = store
      self.generator = generator
      let screen = try screen()
      try store.write { writer in
        try writer.setScreenCodebook(codebook)
        try writer.putScreen(screen)
      }
    }

    /// A screen for the segment as it is.
    func screen() throws -> SegmentScreen {
      SegmentScreen(
        segment: segment,
        segmentChecksum: try #require(try store.read { try $0.segmentChecksum(segment) }),
        codebook: codebook.id, bounds: [0, 3, 7, 12], codes: (0..<12).map { $0 * 3 % 16 })
    }

    /// Bounds and codes as they are read back.
    func readBack(codebook: UInt64? = nil) throws -> (bounds: [UInt32], codes: [UInt16])? {
      try store.read { snapshot in
        try snapshot.withScreen(of: segment, codebook: codebook ?? self.codebook.id) {
          bounds, codes in
          (
            (0..<bounds.count).map { bounds[$0] }, (0..<codes.count).map { codes[$0] }
          )
        }
      }
    }

    /// Changes the stored screen's bytes.
    func damageScreen(_ body: (inout [UInt8]) -> Void) throws {
      let key = StoreLayout.key(ofSegment: segment)
      try store.write { writer in
        let tables = writer.tables
        var bytes = try #require(try writer.transaction.value(in: tables.screens, forKey: key))
        body(&bytes)
        try writer.change { (writer) throws(StoreError) in
          try writer.transaction.put(bytes, forKey: key, in: tables.screens)
        }
      }
    }

    func damage() throws -> [StoreError.Code] {
      try store.read { try $0.audit() }.findings.map { $0.isNewer ? .formatTooNew : .damaged }
    }
  }

  @Test func `a screen and its codebook are read back`() throws {
    let screened = try Screened()
    let read = try #require(try screened.readBack())
    #expect(read.bounds == [0, 3, 7, 12])
    #expect(read.codes == (0..<12).map { $0 * 3 % 16 })
    #expect(try screened.store.read { try $0.screenCodebookID } == screened.codebook.id)
    let codebook = try screened.store.read { try $0.screenCodebook() }
    #expect(codebook?.bytes() == screened.codebook.bytes())
    #expect(try screened.damage().isEmpty)
  }

  @Test func `a long screen is read back from where it lies`() throws {
    let screened = try Screened()
    var screen = try screened.screen()
    screen.codes = (0..<40_000).map { UInt16($0 % 16) }
    screen.bounds = [0, 1, 39_999, 40_000]
    #expect(try screened.store.write { try $0.putScreen(screen) })
    let read = try #require(try screened.readBack())
    #expect(read.bounds == screen.bounds && read.codes == screen.codes)
  }

  @Test func `a screen is ignored once its segment or the codebook has changed`() throws {
    let screened = try Screened()
    #expect(try screened.readBack(codebook: screened.codebook.id &+ 1) == nil)
    let stale = try screened.screen()
    // A removed image is dead, but the segment stays.
    try screened.store.write { writer in
      let item = try #require(try writer.item(forPath: Array("/1".utf8)))
      #expect(try writer.remove(item.id))
    }
    #expect(try screened.readBack() != nil)
    try screened.store.write { writer in
      try writer.insert(image("/4"), tokens: screened.generator.tokens(2, 16))
    }
    #expect(try screened.readBack() == nil)
    #expect(try !screened.store.write { try $0.putScreen(stale) })
    #expect(try screened.readBack() == nil)
    #expect(try screened.damage().isEmpty)
  }

  @Test func `another codebook removes the screens, and they go with their segment`() throws {
    func screenCount(_ screened: Screened) throws -> Int? {
      try screened.store.read {
        try $0.statistics.tables.first { $0.name == "screens" }?.entryCount
      }
    }
    let first = try Screened()
    #expect(try screenCount(first) == 1)
    try first.store.write { try $0.setScreenCodebook(first.codebook) }
    #expect(try screenCount(first) == 0)
    try first.store.write { try $0.removeScreens() }
    #expect(try first.store.read { try $0.screenCodebookID } == nil)
    #expect(try first.store.read { try $0.screenCodebook() } == nil)

    let second = try Screened()
    try second.store.write { writer in
      for number in 1...3 {
        let item = try #require(try writer.item(forPath: Array("/\(number)".utf8)))
        try writer.remove(item.id)
      }
    }
    #expect(try second.store.read { try $0.segmentIDs() }.isEmpty)
    #expect(try screenCount(second) == 0)
  }

  @Test func `damaged bytes of a screen are found, and none lead astray`() throws {
    let screened = try Screened()
    var byteCount = 0
    try screened.damageScreen { byteCount = $0.count }
    for place in 0..<byteCount where place % 3 == 0 {
      try screened.damageScreen { $0[place] ^= 0x11 }
      #expect(try !screened.damage().isEmpty, "byte \(place)")
      // Whatever is read stays within the codes; what it says is for the reader to check.
      if let read = try screened.readBack() { #expect(read.bounds.count == 4) }
      try screened.damageScreen { $0[place] ^= 0x11 }
    }
    #expect(try screened.damage().isEmpty)
    try screened.damageScreen { $0.removeLast() }
    #expect(try screened.readBack() == nil)
    #expect(try screened.damage() == [.damaged])
    try screened.damageScreen { $0 = [2] + $0.dropFirst() + [0] }
    #expect(try screened.readBack() == nil)
    #expect(try screened.damage() == [.formatTooNew])
    try screened.damageScreen { $0 = [] }
    #expect(try screened.readBack() == nil)
  }

  @Test func `a damaged codebook is an error`() throws {
    let screened = try Screened()
    try screened.store.write { writer in
      let tables = writer.tables
      var bytes = screened.codebook.bytes()
      bytes[100] ^= 1
      try writer.change { (writer) throws(StoreError) in
        try writer.transaction.put(bytes, forKey: MetaKey.screenCodebook, in: tables.meta)
      }
    }
    let error = storeError { _ = try screened.store.read { try $0.screenCodebook() } }
    #expect(error?.code == .damaged)
    #expect(try screened.damage() == [.damaged])
  }
}
