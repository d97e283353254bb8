import Foundation

/// A folder that is removed when the last reference to it goes.
public final class TemporaryDirectory: Sendable {
  /// Absolute path, without links.
  public let path: String

  /// Makes an empty folder.
  ///
  /// `inMemory` asks for a file system in memory, where thousands of commits take little time; there
  /// may be none.
  public init(inMemory: Bool = false) throws {
    let memory = URL(fileURLWithPath: "/dev/shm", isDirectory: true)
    let isMemoryThere = FileManager.default.isWritableFile(atPath: memory.path)
    let parent = inMemory && isMemoryThere ? memory : FileManager.default.temporaryDirectory
    let url = parent.resolvingSymlinksInPath()
      .appendingPathComponent("filip-test-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
