#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import Synchronization

/// Turns Ctrl-C and SIGTERM into the cancellation of one task; a second signal ends the program at
/// once, which the index survives.
enum Interruption {
  private static let received = Atomic<Int32>(0)

  /// The exit status that belongs to the signal that arrived.
  static var status: ExitStatus {
    received.load(ordering: .relaxed) == SIGTERM ? .terminated : .interrupted
  }

  /// Runs `body` in a task that a signal cancels.
  static func cancelling<R: Sendable>(
    _ body: @escaping @Sendable () async throws -> R
  ) async throws -> R {
    // A signal handler may do next to nothing: it only notes the signal, and a small task looks.
    for signalNumber in [SIGINT, SIGTERM] {
      signal(signalNumber) { number in
        if Interruption.received.exchange(number, ordering: .relaxed) != 0 { _exit(128 + number) }
      }
    }
    let work = Task { try await body() }
    let watch = Task {
      while !Task.isCancelled, received.load(ordering: .relaxed) == 0 {
        try? await Task.sleep(for: .milliseconds(50))
      }
      if received.load(ordering: .relaxed) != 0 { work.cancel() }
    }
    defer { watch.cancel() }
    return try await work.value
  }
}

/// True the first time it is asked.
final class Once: Sendable {
  private let asked = Atomic<Bool>(false)

  var isFirst: Bool { !asked.exchange(true, ordering: .relaxed) }
}
