#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Numbers of the standard normal distribution, by the ziggurat method (Marsaglia and Tsang, 2000,
/// in the form of Doornik, 2005): one table look-up and one product for 98.8 % of them.
struct GaussianSource: Sendable {
  private static let layerCount = 128
  /// Where the tail begins, and the area of every layer.
  private static let tail = 3.442619855899
  private static let area = 9.91256303526217e-3

  /// Right ends of the layers.
  private let ends: [Double]
  /// The share of a layer that lies below the curve for certain.
  private let shares: [Double]

  init() {
    func density(_ x: Double) -> Double { exp(-0.5 * x * x) }
    var ends = [Self.area / density(Self.tail), Self.tail]
    for layer in 2..<Self.layerCount {
      let last = ends[layer - 1]
      ends.append((-2 * log(Self.area / last + density(last))).squareRoot())
    }
    ends.append(0)
    self.ends = ends
    shares = zip(ends.dropFirst(), ends).map { $0 / $1 }
  }

  /// The next number.
  @inline(__always)
  func next(_ generator: inout SplitMix64) -> Double {
    let bits = generator.next()
    let layer = Int(bits & 127)
    // The upper 53 bits, as a number from -1 to 1.
    let place = Double(Int64(bitPattern: bits) >> 11) * 0x1p-52
    if abs(place) < shares[layer] { return place * ends[layer] }
    return rare(layer, place, &generator)
  }

  /// What lies in the tail or across the curve.
  @inline(never)
  private func rare(_ layer: Int, _ place: Double, _ generator: inout SplitMix64) -> Double {
    if layer == 0 {
      while true {
        let x = log(1 - generator.uniform()) / Self.tail
        let y = log(1 - generator.uniform())
        if -2 * y >= x * x { return place < 0 ? x - Self.tail : Self.tail - x }
      }
    }
    let x = place * ends[layer]
    let outer = exp(-0.5 * (ends[layer] * ends[layer] - x * x))
    let inner = exp(-0.5 * (ends[layer + 1] * ends[layer + 1] - x * x))
    if inner + generator.uniform() * (outer - inner) < 1 { return x }
    return next(&generator)
  }

  /// A number of the gamma distribution of the given shape below 1 and scale 1 (Marsaglia and Tsang,
  /// 2000).
  func gamma(shape: Double, _ generator: inout SplitMix64) -> Double {
    let d = shape + 1 - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = next(&generator)
      let v = 1 + c * x
      guard v > 0 else { continue }
      let cube = v * v * v
      let u = 1 - generator.uniform()
      if log(u) < 0.5 * x * x + d - d * cube + d * log(cube) {
        return d * cube * pow(1 - generator.uniform(), 1 / shape)
      }
    }
  }
}
