import Glibc
import Synchronization

/// Counts the transactions of this process, so that the map can be replaced while there is none.
final class TransactionGate: Sendable {
  private struct State {
    var liveCount = 0
    /// How many of them each thread began.
    var begunCounts: [UInt: Int] = [:]
    /// Whether somebody waits to be alone, or is.
    var isClosed = false
  }

  private let state = Mutex(State())

  /// Counts a transaction in that is about to begin; waits while the gate is closed.
  ///
  /// A thread whose earlier transaction lives is let through, or each would wait for the other.
  /// - Returns: the thread, for `leave`.
  func enter() -> UInt {
    let thread = currentThread()
    while true {
      let isIn = state.withLock { state in
        guard !state.isClosed || state.begunCounts[thread] != nil else { return false }
        state.liveCount += 1
        state.begunCounts[thread, default: 0] += 1
        return true
      }
      if isIn { return thread }
      pause()
    }
  }

  /// Counts a transaction out that has ended, on whichever thread.
  func leave(_ thread: UInt) {
    state.withLock { state in
      state.liveCount -= 1
      let count = state.begunCounts[thread, default: 1] - 1
      state.begunCounts[thread] = count > 0 ? count : nil
    }
  }

  /// Calls `body` while no transaction lives; those that begin meanwhile wait.
  ///
  /// - Returns: `nil` when there was a transaction all the time.
  func alone<Result>(
    within patience: Duration, _ body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result? {
    let deadline = ContinuousClock.now + patience
    while !close() {
      guard ContinuousClock.now < deadline else { return nil }
      pause()
    }
    defer { state.withLock { $0.isClosed = false } }
    while state.withLock({ $0.liveCount }) > 0 {
      guard ContinuousClock.now < deadline else { return nil }
      pause()
    }
    return try body()
  }

  private func close() -> Bool {
    state.withLock { state in
      guard !state.isClosed else { return false }
      state.isClosed = true
      return true
    }
  }

  private func pause() { usleep(500) }
}
