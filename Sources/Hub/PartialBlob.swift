internal import Crypto
#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
import FilipQuery
import SystemPackage

/// A file that is being fetched: what has come of it, and the checksum so far.
///
/// It lies beside the blobs as `NAME.incomplete`, and stays there when a transfer is given up.
final class PartialBlob {
  private let file: HubFile
  private let path: FilePath
  private let descriptor: FileDescriptor
  private var hash: Hash
  /// Bytes that have come.
  private(set) var byteCount = 0

  private enum Hash {
    case sha256(SHA256)
    case git(Insecure.SHA1)

    init(_ file: HubFile) {
      switch file.checksum {
      case .sha256: self = .sha256(SHA256())
      case .git:
        var hash = Insecure.SHA1()
        hash.update(data: Array("blob \(file.byteCount)\0".utf8))
        self = .git(hash)
      }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
      switch self {
      case .sha256(var hash):
        // Safe because the bytes are read during the call.
        unsafe hash.update(bufferPointer: bytes)
        self = .sha256(hash)
      case .git(var hash):
        unsafe hash.update(bufferPointer: bytes)
        self = .git(hash)
      }
    }

    var digits: String {
      func text(_ digest: some Sequence<UInt8>) -> String {
        digest.map { byte in
          let digits = String(byte, radix: 16)
          return digits.count == 1 ? "0" + digits : digits
        }.joined()
      }
      return switch self {
      case .sha256(let hash): text(hash.finalize())
      case .git(let hash): text(hash.finalize())
      }
    }
  }

  /// Opens what there is of a file, and reads it for the checksum.
  /// - Throws: `HubError.unwritable`.
  init(_ file: HubFile, at path: FilePath) throws(HubError) {
    self.file = file
    self.path = path
    hash = Hash(file)
    do {
      descriptor = try FileDescriptor.open(
        path, .readWrite, options: [.create, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch {
      throw HubError(.unwritable, "cannot write \(path): \(error)")
    }
    try rehash()
  }

  deinit { try? descriptor.close() }

  private func rehash() throws(HubError) {
    do {
      var buffer = [UInt8](repeating: 0, count: 1 << 20)
      while true {
        let count = try buffer.withUnsafeMutableBytes {
          try unsafe descriptor.read(fromAbsoluteOffset: Int64(byteCount), into: $0)
        }
        guard count > 0 else { break }
        buffer.withUnsafeBytes {
          unsafe hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count]))
        }
        byteCount += count
      }
      if byteCount > file.byteCount { try startAgain() }
    } catch {
      throw HubError(.unwritable, "cannot read \(path): \(error)")
    }
  }

  /// Forgets what has come.
  func startAgain() throws(HubError) {
    do {
      try descriptor.resize(to: 0)
    } catch {
      throw HubError(.unwritable, "cannot write \(path): \(error)")
    }
    byteCount = 0
    hash = Hash(file)
  }

  /// Adds bytes.
  /// - Throws: `HubError.damaged` when more come than the file has, `.unwritable` when they cannot
  ///   be written.
  func append(_ bytes: UnsafeRawBufferPointer) throws(HubError) {
    guard byteCount + bytes.count <= file.byteCount else {
      try startAgain()
      throw HubError(
        .damaged, "\(file.name): more comes than the \(file.byteCount) bytes that the hub announced"
      )
    }
    do {
      _ = try unsafe descriptor.writeAll(toAbsoluteOffset: Int64(byteCount), bytes)
    } catch {
      throw HubError(
        .unwritable,
        "cannot write \(path): \(error) (\(file.byteCount - byteCount) more bytes are needed); "
          + "what has come is kept, make room and run the same command again")
    }
    unsafe hash.update(bytes)
    byteCount += bytes.count
  }

  /// Makes the file a blob, if its content is what the hub says.
  /// - Returns: whether it is; if not, everything is forgotten.
  func finish(as blob: FilePath) throws(HubError) -> Bool {
    guard byteCount == file.byteCount, hash.digits == file.checksum.name else {
      try startAgain()
      return false
    }
    do {
      guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
      try path.rename(to: blob)
    } catch {
      throw HubError(.unwritable, "cannot write \(blob): \(error)")
    }
    return true
  }
}
