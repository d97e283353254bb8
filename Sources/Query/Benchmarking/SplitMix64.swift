/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers on every machine for the same seed.
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A generator that always yields the same numbers.
  package init(seed: UInt64) { state = seed }

  /// The generator of one thing of a kind: unrelated to that of any other, so things can be made in
  /// any order and by any number of threads.
  package init(seed: UInt64, kind: UInt64, number: Int) {
    var first = SplitMix64(seed: seed ^ kind &* 0xD1B5_4A32_D192_ED03)
    state = first.next() &+ UInt64(truncatingIfNeeded: number) &* 0xA24B_AED4_963E_E407
    state = next()
  }

  /// The next 64 bits.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number from 0 up to, but less than, 1.
  mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number from 0 up to, but less than, `count`.
  ///
  /// Not quite even: some numbers come up more often by a share of count / 2⁶⁴.
  mutating func index(below count: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(count)).high)
  }
}
