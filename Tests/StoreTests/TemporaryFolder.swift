import Glibc

@testable import FilipStore

/// An empty folder that disappears with its last user, whatever was put into it.
final class TemporaryFolder: Sendable {
  let path: String

  init() {
    var template = Array("/tmp/filip-store-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      String(cString: mkdtemp(buffer.baseAddress!))
    }
  }

  deinit { removeTree(path) }
}

/// Removes a file, or a folder with everything in it.
func removeTree(_ path: String) {
  if unlink(path) == 0 { return }
  for name in (try? namesInFolder(path)) ?? [] { removeTree(path + "/" + name) }
  rmdir(path)
}
