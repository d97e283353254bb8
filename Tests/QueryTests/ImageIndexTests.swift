import Filip
import FilipEncoders
import FilipQuery
import FilipStore
import Foundation
import SystemPackage
import TestSupport
import Testing

/// The engine in three calls, as other programs embed it.
@Suite struct ImageIndexTests {
  /// Some pictures of the gallery, in a folder of the test's own.
  private func pictures(_ count: Int, in folder: TemporaryDirectory) throws -> String {
    let gallery = GalleryTests.repository.appendingPathComponent("Examples/gallery")
    let target = folder.path + "/pictures"
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    let names = try FileManager.default.contentsOfDirectory(atPath: gallery.path)
      .filter { $0.hasSuffix(".jpg") }.sorted()
    for name in names.prefix(count) {
      try FileManager.default.copyItem(
        atPath: gallery.appendingPathComponent(name).path, toPath: target + "/" + name)
    }
    return target
  }

  @Test(arguments: ComputeFormat.allCases)
  func `an index is made and searched in the format that is asked for`(
    format: ComputeFormat
  ) async throws {
    let folder = try TemporaryDirectory()
    let (path, cache) = (folder.path + "/index", folder.path + "/cache")
    let index = try ImageIndex(at: path, format: format, cacheDirectory: cache)
    let summary = try await index.update(folders: [try pictures(4, in: folder)])
    #expect(summary.addedCount == 4)
    let hits = try await index.search("a large red balloon", count: 4).hits
    #expect(hits.count == 4)

    let store = try TokenStore.open(at: path, mode: .readOnly)
    #expect(try store.read { try ComputeFormat.recorded(in: $0) } == [format])
    // Weights in 8 bits are made once: of the image tower, and of the text tower.
    let kept = (try? FileManager.default.contentsOfDirectory(atPath: cache)) ?? []
    #expect(kept.filter { $0.hasSuffix(".int8") }.count == (format == .int8 ? 2 : 0))

    // Opened again in 32 bits, it is the same index.
    let again = try ImageIndex(at: path)
    let found = try await again.search("a large red balloon", count: 4).hits
    #expect(Set(found.map(\.item.id)) == Set(hits.map(\.item.id)))
    for hit in hits {
      let other = try #require(found.first { $0.item.id == hit.item.id })
      #expect(abs(hit.score - other.score) < 0.05)
    }
  }

  @Test func `a picture finds itself, and what must not be there pushes down`() async throws {
    let folder = try TemporaryDirectory()
    let index = try ImageIndex(at: folder.path + "/index")
    let pictures = try pictures(24, in: folder)
    try await index.update(folders: [pictures])
    let names = try FileManager.default.contentsOfDirectory(atPath: pictures).sorted()
    let path = pictures + "/" + names[5]
    let found = try await index.search(Query(.image(FilePath(path), region: nil)))
    #expect(found.hits.first?.path.string.hasSuffix(names[5]) == true)

    var query = Query(try QueryParser.parse("tree"))
    let plain = try await index.search(query).hits
    let best = try #require(plain.first)
    query.excluded = [Query.Clause(.image(best.path, region: nil), weight: 10)]
    let others = try await index.search(query).hits
    #expect(others.first?.item.id != best.item.id)
  }
}
