package import FilipStore
import SystemPackage

extension ItemRecord {
  /// Whether the file is gone or changed since it was indexed.
  package var isStale: Bool {
    guard kind == .image, let path else { return false }
    guard let status = try? FileStatus(of: FilePath(bytes: path)) else { return true }
    return status.size != fileSize || status.modificationTime != modificationTime
  }
}
