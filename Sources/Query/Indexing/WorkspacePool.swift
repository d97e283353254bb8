import FilipEncoders
import Synchronization

/// Work spaces of an encoder, lent to one caller at a time and kept for the next.
final class WorkspacePool: Sendable {
  private struct Lent: @unchecked Sendable {
    // Sendable because the pool hands each work space to one caller at a time.
    let workspace = EncoderWorkspace()
  }

  private let free: Mutex<[Lent]> = Mutex([])

  /// Calls `body` with a work space that nobody else uses meanwhile.
  func withWorkspace<Result>(
    _ body: (EncoderWorkspace) throws -> Result
  ) rethrows -> Result {
    let lent = free.withLock { $0.popLast() } ?? Lent()
    defer { free.withLock { $0.append(lent) } }
    return try body(lent.workspace)
  }
}
