internal import FilipLinearAlgebra

/// The intermediate values of a forward pass, kept between passes so that nothing is allocated once
/// the largest batch has been seen.
///
/// One at a time per task: an encoder is shared freely, a workspace is not.
public final class EncoderWorkspace {
  /// What a buffer holds.
  enum Slot: Hashable {
    /// The tokens between blocks, (tokens, width).
    case tokens
    /// A normed copy of the tokens, (tokens, width).
    case normed
    /// Queries, keys and values side by side, (tokens, 3 · width).
    case fused
    /// What attention mixed, (tokens, width).
    case context
    /// Attention of one head where more than softmax decides, (tokens of one sequence, same).
    case scores
    /// What attention of one head needs else, (1, `HeadAttention.scratchCount`).
    case attention
    /// One head's queries, keys or values, (tokens of one sequence, head width).
    case part
    /// The same, smoothed.
    case smoothedPart
    /// The tokens of a path beside the ordinary one, (tokens, width).
    case beside
    /// The inner layer of the feed-forward network, (tokens at a time, inner width).
    case inner
    /// The pixels of one image's patches, (patches, channels · side²).
    case pixels
    /// Positions resized along one side, (positions, width).
    case positions
    /// The tokens that stand for a whole sequence, (sequences, width).
    case summaries
    /// What attention mixed for those, (sequences, width).
    case summaryContext
    /// Tokens in the joint space, (tokens, dimension).
    case projected
    /// Learned tokens in the joint space, (tokens, dimension).
    case learned
    /// Whole sequences in the joint space, (sequences, dimension).
    case pooled
  }

  private var storages: [Slot: FloatStorage] = [:]

  /// An empty workspace; the first pass fills it.
  public init() {}

  /// The buffer `slot` as a matrix; its content is whatever the last use left.
  func matrix(_ slot: Slot, rowCount: Int, columnCount: Int) -> Matrix {
    let count = rowCount * columnCount
    if let storage = storages[slot], storage.count >= count {
      return Matrix(storage: storage, rowCount: rowCount, columnCount: columnCount)
    }
    let storage = FloatStorage(count: count)
    storages[slot] = storage
    return Matrix(storage: storage, rowCount: rowCount, columnCount: columnCount)
  }
}
