#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
import SystemPackage

/// Keeps two programs from fetching one file at the same time, by the lock that the hub's own client
/// takes.
struct BlobLock: ~Copyable {
  private let descriptor: FileDescriptor

  /// Waits until nobody else fetches the file.
  /// - Throws: `HubError.unwritable`, `CancellationError`.
  init(_ path: FilePath) async throws {
    descriptor = try await Self.locked(path)
  }

  private static func locked(_ path: FilePath) async throws -> FileDescriptor {
    let descriptor: FileDescriptor
    do {
      descriptor = try FileDescriptor.open(
        path, .readWrite, options: [.create, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch {
      throw HubError(.unwritable, "cannot write \(path): \(error)")
    }
    do {
      while flock(descriptor.rawValue, LOCK_EX | LOCK_NB) != 0 {
        try await Task.sleep(for: .milliseconds(100))
      }
      return descriptor
    } catch {
      try? descriptor.close()
      throw error
    }
  }

  deinit { try? descriptor.close() }
}
