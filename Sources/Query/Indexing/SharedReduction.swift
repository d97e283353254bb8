import FilipLateInteraction
import Synchronization

/// The reduction of a run, which the tasks that encode apply as soon as it is known.
final class SharedReduction: Sendable {
  private let state: Mutex<TokenReduction>

  init(_ reduction: TokenReduction) { state = Mutex(reduction) }

  /// The reduction as it is now.
  var current: TokenReduction { state.withLock { $0 } }

  /// Whether images can be reduced already.
  var isReady: Bool { current.isReady }

  /// Everyone goes on with `reduction`.
  func replace(with reduction: TokenReduction) { state.withLock { $0 = reduction } }

  /// An image's tokens as they are stored, or `nil` while the projection is not learnt.
  func reduce(_ tokens: TokenMatrix) -> ReducedTokens? {
    let reduction = current
    return reduction.isReady ? reduction.reduce(tokens) : nil
  }
}

/// The first images of a run with all of their tokens: what a projection is learnt from, and what a
/// reduction is measured on.
struct ReductionSample {
  /// Images that are kept at most.
  static let imageLimit = 1_000
  /// Floats that are kept at most: 128 MiB.
  static let elementLimit = 1 << 25

  private(set) var images: [TokenMatrix] = []
  private var elementCount = 0

  /// Whether no more are taken.
  var isFull: Bool { images.count >= Self.imageLimit || elementCount >= Self.elementLimit }

  /// Takes an image, unless it has no tokens or there are enough.
  mutating func add(_ tokens: TokenMatrix) {
    guard !isFull, tokens.tokenCount > 0 else { return }
    images.append(tokens)
    elementCount += tokens.elements.count
  }
}
