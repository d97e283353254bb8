import Foundation
import SystemPackage
import TestSupport

/// A file in a folder of its own, removed with it.
final class TemporaryFile: Sendable {
  private let folder: TemporaryDirectory
  let path: FilePath

  init(_ content: String, name: String = "file") throws {
    folder = try TemporaryDirectory()
    path = FilePath(folder.path).appending(name)
    try Data(content.utf8).write(to: URL(fileURLWithPath: path.string))
  }
}
