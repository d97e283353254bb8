import FilipHub
import FilipQuery
import FilipStore
import Synchronization

/// Shows how far an indexing run has come: one line redrawn on a terminal, a plain line now and
/// then elsewhere.
final class ProgressReporter: Sendable {
  private struct State {
    var lastShown: ContinuousClock.Instant?
    var hasLine = false
  }

  private let state = Mutex(State())
  private let started = ContinuousClock.now
  private let isQuiet: Bool
  /// What is counted, and what becomes of it.
  private let unit: (found: String, made: String)

  init(isQuiet: Bool) {
    self.isQuiet = isQuiet
    unit = ("files", "images")
  }

  /// A reporter of things that stay what they are.
  init(isQuiet: Bool, unit: String) {
    self.isQuiet = isQuiet
    self.unit = (unit, unit)
  }

  /// Shows `progress` if enough time has passed since the last time.
  func show(_ progress: IndexProgress) { show { line(progress, elapsed: $0) } }

  private func show(_ text: (_ elapsed: Duration) -> String) {
    guard !isQuiet else { return }
    let now = ContinuousClock.now
    let interval: Duration = Messages.isTerminal ? .milliseconds(100) : .seconds(10)
    let isDue = state.withLock { state in
      guard now - (state.lastShown ?? started) >= interval else { return false }
      state.lastShown = now
      state.hasLine = true
      return true
    }
    guard isDue else { return }
    let text = text(now - started)
    Messages.raw(Messages.isTerminal ? "\r\u{1B}[K\(text)" : "filip: \(text)\n")
  }

  /// Shows how many segments have a screen.
  func show(_ progress: ScreenProgress) {
    var shown = IndexProgress()
    shown.foundCount = progress.segmentCount
    shown.finishedCount = progress.finishedCount
    shown.isWalkFinished = true
    show(shown)
  }

  /// Shows how many megabytes of an index are copied.
  func show(_ progress: CompactionProgress) {
    var shown = IndexProgress()
    shown.foundCount = max(progress.totalByteCount, progress.copiedByteCount) / 1_000_000
    shown.finishedCount = progress.copiedByteCount / 1_000_000
    shown.isWalkFinished = true
    show(shown)
  }

  /// Shows how much of an index was verified.
  func show(_ progress: AuditProgress) {
    show { elapsed in
      let share = Double(progress.finishedByteCount) / Double(max(1, progress.byteCount))
      return "\(progress.table): \(byteText(Int64(progress.finishedByteCount))) of "
        + "\(byteText(Int64(progress.byteCount))), "
        + "\(countText(progress.itemCount)) \(unit.found), "
        + "\(durationText(elapsed * (1 / max(share, 1e-6) - 1))) left"
    }
  }

  /// Shows how much of a model was fetched.
  func show(_ progress: PullProgress) {
    show { elapsed in
      let share = Double(progress.finishedByteCount) / Double(max(1, progress.byteCount))
      return "\(progress.file): \(byteText(Int64(progress.finishedByteCount))) of "
        + "\(byteText(Int64(progress.byteCount))) in all, "
        + "\(durationText(elapsed * (1 / max(share, 1e-6) - 1))) left"
    }
  }

  /// Removes the line that is being redrawn.
  func finish() {
    let hadLine = state.withLock { state in
      defer { state.hasLine = false }
      return state.hasLine
    }
    if hadLine, Messages.isTerminal { Messages.raw("\r\u{1B}[K") }
  }

  private func line(_ progress: IndexProgress, elapsed: Duration) -> String {
    let total =
      progress.isWalkFinished
      ? countText(progress.foundCount) : "\(countText(progress.foundCount))+"
    var text = "\(countText(progress.finishedCount)) of \(total) \(unit.found)"
    let seconds = elapsed / .seconds(1)
    if progress.encodedCount > 0, seconds > 0 {
      text += ", \(decimal(Double(progress.encodedCount) / seconds, digits: 1)) \(unit.made)/s"
    }
    if progress.isWalkFinished, progress.finishedCount > 0 {
      let rest = progress.foundCount - progress.finishedCount
      let left = elapsed * (Double(rest) / Double(progress.finishedCount))
      text += ", \(durationText(left)) left"
    }
    if progress.unreadableCount > 0 { text += ", \(progress.unreadableCount) unreadable" }
    return text
  }
}
