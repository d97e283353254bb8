internal import CKernels

/// Quantised tokens of many images, end to end: what the scan kernels read.
///
/// A view onto memory of others, in the layout of ARCHITECTURE.md ("The scan plane"): blocks of 16
/// tokens, in each block groups of 8 dimensions, 64 bytes per group; byte 4 t + i of a group holds
/// token t, dimension 8 g + i in the low half and 8 g + 4 + i in the high half. Scales are
/// bfloat16, one per token of every block. No alignment is required; multiples of 64 are fastest.
package struct PlaneTokens {
  /// Tokens per block.
  package static let blockTokenCount = 16
  /// Dimensions per group.
  package static let groupDimensionCount = 8
  /// Bytes per group of a block.
  package static let groupByteCount = 64

  let high: UnsafePointer<UInt8>
  let low: UnsafePointer<UInt8>?
  let scales: UnsafePointer<UInt16>
  let reach: UnsafePointer<UInt8>?
  /// ⌈dimension / 8⌉.
  package let groupCount: Int
  /// Number of tokens; those that fill the last block up do not count.
  package let tokenCount: Int

  /// A view of memory that outlives it and is not written meanwhile. The sizes are trusted.
  ///
  /// - Parameters:
  ///   - high: the high nibbles, (blocks, groups, 64), with blocks = ⌈tokenCount / 16⌉.
  ///   - low: the low nibbles, of the same shape; `nil` scores with 4 bits, codes 0…15.
  ///   - scales: (16 · blocks), bfloat16 patterns of finite numbers, at any even address.
  ///   - reach: (16 · blocks), in units of the query, what is added to a token's products before its
  ///     scale; `nil` adds nothing.
  package init(
    high: UnsafeRawPointer, low: UnsafeRawPointer?, scales: UnsafePointer<UInt16>,
    reach: UnsafePointer<UInt8>? = nil, groupCount: Int, tokenCount: Int
  ) {
    precondition(groupCount >= 0 && tokenCount >= 0, "group and token count")
    self.high = high.assumingMemoryBound(to: UInt8.self)
    self.low = low?.assumingMemoryBound(to: UInt8.self)
    self.scales = scales
    self.reach = reach
    self.groupCount = groupCount
    self.tokenCount = tokenCount
  }

  var kernel: ck_plane {
    ck_plane(high: high, low: low, scales: scales, reach: reach, groups: groupCount)
  }
}

/// The words of one or more queries as 8-bit codes, in the order that the scan kernels read.
package struct PlaneQueryCodes: Sendable {
  /// (groups, 2, words, 4): the code of word w and dimension 8 g + 4 h + i is at
  /// `((2 g + h) · words + w) · 4 + i`; 0 for dimensions that do not exist.
  package let codes: [Int8]
  /// What the sum of each word begins with.
  package let initial: [Int32]
  /// What one unit of a token's reach adds to the sum of each word.
  package let reach: [Float]
  /// ⌈dimension / 8⌉.
  package let groupCount: Int
  /// Number of words, at least 1.
  package var wordCount: Int { initial.count }

  /// Reorders codes that lie word after word.
  ///
  /// - Parameters:
  ///   - rows: (words, dimension), row-major.
  ///   - initial: (words), what the sum of a word begins with.
  /// - Complexity: one step per code.
  /// - Precondition: `rows.count == initial.count * dimension`, and there are words.
  package init(rows: [Int8], dimension: Int, initial: [Int32]) {
    precondition(dimension >= 0 && !initial.isEmpty, "dimension and words")
    precondition(rows.count == initial.count * dimension, "code count")
    let words = initial.count
    let groupCount =
      (dimension + PlaneTokens.groupDimensionCount - 1) / PlaneTokens.groupDimensionCount
    var codes = [Int8](repeating: 0, count: groupCount * PlaneTokens.groupDimensionCount * words)
    for word in 0..<words {
      for index in 0..<dimension {
        codes[(index / 4 * words + word) * 4 + index % 4] = rows[word * dimension + index]
      }
    }
    self.codes = codes
    self.initial = initial
    reach = [Float](repeating: 0, count: words)
    self.groupCount = groupCount
  }

  private init(codes: [Int8], initial: [Int32], reach: [Float], groupCount: Int) {
    self.codes = codes
    self.initial = initial
    self.reach = reach
    self.groupCount = groupCount
  }

  /// The same words with sums that begin with `initial` and grow by `reach` for each unit of a
  /// token's.
  package func beginning(with initial: [Int32], reach: [Float]) -> PlaneQueryCodes {
    precondition(
      initial.count == wordCount && reach.count == wordCount, "a beginning for each word")
    return PlaneQueryCodes(codes: codes, initial: initial, reach: reach, groupCount: groupCount)
  }

  /// Calls `body` with the words as the kernels take them.
  func withKernel<R>(_ body: (ck_plane_query) -> R) -> R {
    codes.withUnsafeBufferPointer { codes in
      initial.withUnsafeBufferPointer { initial in
        reach.withUnsafeBufferPointer { reach in
          body(
            ck_plane_query(
              codes: codes.baseAddress, initial: initial.baseAddress, reach: reach.baseAddress,
              words: wordCount))
        }
      }
    }
  }
}
