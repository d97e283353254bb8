import FilipLateInteraction
import FilipStore
import Synchronization

/// The codebook that was read last: decoding one takes longer than a search with it.
final class ScreenCodebookCache: Sendable {
  private let last = Mutex<ScreenCodebook?>(nil)

  /// The codebook of a snapshot; `nil` when it has none that can be read, for the index can be
  /// searched without.
  func codebook(of snapshot: borrowing Snapshot) throws -> ScreenCodebook? {
    guard let id = try snapshot.screenCodebookID else { return nil }
    if let known = last.withLock({ $0 }), known.id == id { return known }
    let codebook = try snapshot.intactScreenCodebook()
    last.withLock { $0 = codebook }
    return codebook
  }
}

extension Snapshot {
  /// The codebook; `nil` when there is none that can be read.
  func intactScreenCodebook() throws -> ScreenCodebook? {
    do throws(StoreError) {
      return try screenCodebook()
    } catch {
      guard error.code == .damaged || error.code == .formatTooNew, error.underlying == nil else {
        throw error
      }
      return nil
    }
  }
}
