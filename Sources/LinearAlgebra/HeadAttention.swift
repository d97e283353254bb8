internal import CKernels

/// One head's attention: for each query the mean of the values, weighed by the softmax of `scale`
/// times its products with the keys.
package struct HeadAttention {
  /// (asking, width).
  package let queries: Matrix
  /// (tokens, width).
  package let keys: Matrix
  /// (tokens, width).
  package let values: Matrix
  /// Above 0.
  package let scale: Float
  /// Whether query r sees the first r + 1 tokens only.
  package let isCausal: Bool

  /// - Precondition: there are tokens, and every product is finite.
  package init(queries: Matrix, keys: Matrix, values: Matrix, scale: Float, isCausal: Bool) {
    precondition(
      keys.rowCount > 0 && keys.rowCount == values.rowCount
        && queries.columnCount == keys.columnCount && values.columnCount == keys.columnCount,
      "shapes of queries, keys and values")
    self.queries = queries
    self.keys = keys
    self.values = values
    self.scale = scale
    self.isCausal = isCausal
  }

  /// Floats of work space for so many tokens of a head.
  package static func scratchCount(tokenCount: Int, width: Int) -> Int {
    ck_attention_scratch(tokenCount, width)
  }

  /// Writes the means to `output`, (asking, width), or adds them to what it holds.
  ///
  /// `scratch` is one row of `scratchCount` floats or more. Scores never leave the caches: queries
  /// are taken a dozen at a time.
  /// - Complexity: 2 · asking · tokens · width multiply-adds.
  package func write(to output: Matrix, keep: Bool = false, scratch: Matrix) {
    precondition(
      output.rowCount == queries.rowCount && output.columnCount == queries.columnCount,
      "shape of the output")
    precondition(
      scratch.rowCount == 1
        && scratch.columnCount
          >= Self.scratchCount(tokenCount: keys.rowCount, width: keys.columnCount),
      "floats of work space")
    // Safe because every address is a window's, which knows its storage, and the work space has the
    // size that the kernel asks for.
    var attention = ck_attention(
      queries: queries.base, keys: keys.base, values: values.base, query_stride: queries.stride,
      key_stride: keys.stride, value_stride: values.stride, rows: queries.rowCount,
      tokens: keys.rowCount, width: keys.columnCount, scale: scale,
      visible: isCausal ? 1 : keys.rowCount, growth: isCausal ? 1 : 0, output: output.base,
      output_stride: output.stride, keep: keep ? 1 : 0)
    ck_attention_f32(&attention, scratch.base)
  }
}
