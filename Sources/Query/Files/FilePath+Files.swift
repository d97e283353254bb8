#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
package import SystemPackage

extension FilePath {
  /// The path without links, `.` and `..`.
  /// - Throws: `Errno`, `.noSuchFileOrDirectory` when nothing is there.
  package func resolved() throws(Errno) -> FilePath {
    let pointer = withPlatformString { realpath($0, nil) }
    guard let pointer else { throw Errno(rawValue: errno) }
    defer { free(pointer) }
    return FilePath(platformString: pointer)
  }

  /// The path as absolute path; nothing needs to exist there.
  package func absolute() -> FilePath {
    guard isRelative, let directory = getcwd(nil, 0) else { return lexicallyNormalized() }
    defer { free(directory) }
    return FilePath(platformString: directory).pushing(self).lexicallyNormalized()
  }

  /// Whether anything is there. A path that may not be looked at counts as there.
  package var exists: Bool {
    do throws(Errno) {
      _ = try FileStatus(of: self)
      return true
    } catch {
      return error != .noSuchFileOrDirectory && error != .notDirectory
    }
  }

  /// Whether a file that was here is no more: nothing is left, or something that is no file. A path
  /// that may not be looked at has not vanished.
  var hasVanished: Bool {
    do throws(Errno) {
      return try FileStatus(of: self).kind != .regular
    } catch {
      return error == .noSuchFileOrDirectory || error == .notDirectory
    }
  }

  /// Whether the path is one of `folders` or lies below one.
  /// - Complexity: the number of the path's components.
  func isInside(_ folders: Set<FilePath>) -> Bool {
    var path = self
    while true {
      if folders.contains(path) { return true }
      guard path.removeLastComponent() else { return false }
    }
  }

  /// The raw bytes, which need not be UTF-8.
  package var bytes: [UInt8] {
    withPlatformString { pointer in
      UnsafeBufferPointer(start: pointer, count: strlen(pointer)).map { UInt8(bitPattern: $0) }
    }
  }

  /// A path from raw bytes; bytes after a zero byte are dropped.
  package init(bytes: [UInt8]) {
    let terminated = bytes.map { CInterop.PlatformChar(bitPattern: $0) } + [0]
    self = terminated.withUnsafeBufferPointer { buffer in
      // Safe because the array ends in a zero and is never empty.
      FilePath(platformString: buffer.baseAddress!)
    }
  }

  /// Names of the entries of this directory but `.` and `..`, sorted by their bytes.
  func entryNames() throws(Errno) -> [FilePath] {
    guard let directory = withPlatformString({ opendir($0) }) else {
      throw Errno(rawValue: errno)
    }
    defer { closedir(directory) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = readdir(directory) else {
        if errno != 0 { throw Errno(rawValue: errno) }
        break
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: UInt8.self, capacity: 256) { bytes in
          Array(UnsafeBufferPointer(start: bytes, count: strlen(UnsafePointer(tuple).asCString)))
        }
      }
      if name != [UInt8(ascii: ".")], name != Array("..".utf8) { names.append(name) }
    }
    names.sort { $0.lexicographicallyPrecedes($1) }
    return names.map { FilePath(bytes: $0) }
  }

  /// Whether the shell pattern `glob` matches the whole path or its last component.
  package func matches(glob: String) -> Bool {
    func match(_ path: FilePath) -> Bool {
      glob.withCString { pattern in path.withPlatformString { fnmatch(pattern, $0, 0) == 0 } }
    }
    return match(self) || lastComponent.map { match(FilePath(root: nil, [$0])) } == true
  }

  /// Writes `bytes` as the whole content of the file, which is made or replaced.
  package func write(_ bytes: [UInt8]) throws {
    let file = try FileDescriptor.open(
      self, .writeOnly, options: [.create, .truncate, .closeOnExec],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
    try file.closeAfter { _ = try file.writeAll(bytes) }
  }

  /// Gives the file another path, in the same file system.
  package func rename(to path: FilePath) throws(Errno) {
    let result = withPlatformString { from in path.withPlatformString { systemRename(from, $0) } }
    guard result == 0 else { throw Errno(rawValue: errno) }
  }

  /// Removes the file, if there is one that can be removed.
  func removeFile() { _ = withPlatformString { unlink($0) } }

  /// Up to `limit` bytes from the start of the file, or all of it.
  /// - Throws: `Errno`.
  package func read(upTo limit: Int? = nil) throws -> [UInt8] {
    let file = try FileDescriptor.open(self, .readOnly, options: [.closeOnExec, .nonBlocking])
    return try file.closeAfter {
      let status = try file.stat()
      guard status.type == .regular else { throw Errno.invalidArgument }
      let wanted = min(limit ?? Int(status.size), Int(status.size))
      var bytes = [UInt8](repeating: 0, count: wanted)
      var filled = 0
      while filled < wanted {
        let count = try bytes.withUnsafeMutableBytes { buffer in
          try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
        }
        if count == 0 { break }
        filled += count
      }
      bytes.removeLast(wanted - filled)
      return bytes
    }
  }
}

extension UnsafePointer {
  /// The same address, read as a C string.
  fileprivate var asCString: UnsafePointer<CChar> {
    UnsafeRawPointer(self).assumingMemoryBound(to: CChar.self)
  }
}

/// rename(2); inside the extension the name is taken.
private func systemRename(_ from: UnsafePointer<CChar>, _ to: UnsafePointer<CChar>) -> Int32 {
  rename(from, to)
}
