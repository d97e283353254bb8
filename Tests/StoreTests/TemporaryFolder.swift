import Glibc

/// An empty folder that disappears with its last user, if only an index was put into it.
final class TemporaryFolder: Sendable {
  let path: String

  init() {
    var template = Array("/tmp/filip-store-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      String(cString: mkdtemp(buffer.baseAddress!))
    }
  }

  deinit {
    for name in ["data.mdb", "lock.mdb", "writer.lock", "space.probe"] { unlink(path + "/" + name) }
    rmdir(path)
  }
}
