#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Vectors for the first `placeCount` places, (placeCount, width): sines of the place at falling
/// frequencies, then cosines at the same ones.
///
/// Frequency i is `10000^(-i / (width / 2 - 1))`, as in tensor2tensor; Vaswani et al. (2017) divide
/// by `width / 2` and put sines and cosines in turn. With an odd width the last column is 0.
package func sinusoids(placeCount: Int, width: Int) -> Matrix {
  let half = width / 2
  let vectors = Matrix(rowCount: placeCount, columnCount: width)
  let step = log(10000.0) / Double(max(1, half - 1))
  for index in 0..<half {
    let frequency = Float(exp(-Double(index) * step))
    for place in 0..<placeCount {
      let angle = Float(place) * frequency
      vectors[place, index] = sinf(angle)
      vectors[place, half + index] = cosf(angle)
    }
  }
  return vectors
}
