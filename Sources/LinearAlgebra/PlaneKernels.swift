internal import CKernels

/// Writes, for each image and each word, the largest product over the image's tokens.
///
/// The product of token t and word w is `scale_t · (Float(initial_w + Σ code_t · code_w) + reach_t ·
/// reach_w)`, the last part only where the plane has reaches: the sum is exact (it must fit 32
/// bits), every other step is rounded once, so all instruction sets agree to the bit. Image i is tokens `bounds[i]..<bounds[i + 1]`; it may begin
/// and end anywhere in a block. Its maxima are written from `offset + i · wordCount` on. An empty
/// image yields `-infinity`; a maximum of zero is +0.
/// - Complexity: 8 · groups multiply-adds per token and word.
package func maximumPerImage(
  _ plane: PlaneTokens, _ query: PlaneQueryCodes, bounds: Span<UInt32>,
  into maxima: inout [Float], at offset: Int = 0
) {
  let images = requireImages(of: plane, query, bounds: bounds)
  precondition(
    offset >= 0 && offset <= maxima.count - images * query.wordCount, "room for the maxima")
  var kernel = plane.kernel
  query.withKernel { words in
    var words = words
    // Safe because the shapes of bounds, words and maxima were checked above, and the plane's are
    // what its maker promised.
    maxima.withUnsafeMutableBufferPointer { maxima in
      bounds.withUnsafeBufferPointer { bounds in
        ck_plane_max(
          &kernel, &words, bounds.baseAddress, images, maxima.baseAddress.map { $0 + offset })
      }
    }
  }
}

/// Writes, for each image, the sum over its tokens of the largest weighted product with a word.
///
/// The weighted product is `weights[w]` times the product of `maximumPerImage`. This is FILIP's
/// image-to-text direction: the best word of every patch. The sum of image i is written to
/// `offset + i`; an empty image yields 0. Additions have one order (16 lanes of every sixteenth
/// token, then the lanes), so all instruction sets agree to the bit.
/// - Complexity: 8 · groups multiply-adds per token and word.
package func sumOfMaximaPerImage(
  _ plane: PlaneTokens, _ query: PlaneQueryCodes, weights: [Float], bounds: Span<UInt32>,
  into sums: inout [Float], at offset: Int = 0
) {
  let images = requireImages(of: plane, query, bounds: bounds)
  precondition(weights.count == query.wordCount, "a weight per word")
  precondition(offset >= 0 && offset <= sums.count - images, "room for the sums")
  var kernel = plane.kernel
  query.withKernel { words in
    var words = words
    // Safe because the shapes of bounds, words, weights and sums were checked above, and the
    // plane's are what its maker promised.
    sums.withUnsafeMutableBufferPointer { sums in
      bounds.withUnsafeBufferPointer { bounds in
        weights.withUnsafeBufferPointer { weights in
          ck_plane_sum_of_max(
            &kernel, &words, weights.baseAddress, bounds.baseAddress, images,
            sums.baseAddress.map { $0 + offset })
        }
      }
    }
  }
}

/// The number of images, after what the kernels trust was checked.
private func requireImages(
  of plane: PlaneTokens, _ query: PlaneQueryCodes, bounds: Span<UInt32>
) -> Int {
  precondition(plane.groupCount == query.groupCount, "equal group counts")
  precondition(bounds.count > 0, "bounds of images")
  var last = bounds[0]
  for index in 1..<bounds.count {
    precondition(last <= bounds[index], "rising bounds")
    last = bounds[index]
  }
  precondition(Int(last) <= plane.tokenCount, "bounds inside the plane")
  return bounds.count - 1
}
