internal import CKernels

/// All dot products of the rows of `words` with the first `patchCount` rows of `patches`, in double
/// precision.
///
/// Shapes: `words` (wordCount, dimension), `patches` at least (patchCount, dimension), the result
/// (wordCount, patchCount), row-major. The order of additions is fixed: every machine computes the
/// same bits.
/// - Complexity: one multiplication per element pair.
package func dotProducts(
  words: [Float], wordCount: Int, patches: [Float], patchCount: Int, dimension: Int
) -> [Double] {
  precondition(wordCount >= 0 && patchCount >= 0 && dimension > 0, "shape of dot products")
  precondition(words.count == wordCount * dimension, "element count of the words")
  precondition(patches.count >= patchCount * dimension, "element count of the patches")
  return [Double](unsafeUninitializedCapacity: wordCount * patchCount) { products, count in
    words.withUnsafeBufferPointer { words in
      patches.withUnsafeBufferPointer { patches in
        ck_dot_products_f64(
          words.baseAddress, wordCount, patches.baseAddress, patchCount, dimension,
          products.baseAddress)
      }
    }
    count = wordCount * patchCount
  }
}
