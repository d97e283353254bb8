package import FilipLateInteraction

extension SplitMix64 {
  /// A generator that always yields the same numbers.
  package init(seed: UInt64) { self.init(state: seed) }

  /// The generator of one thing of a kind: unrelated to that of any other, so things can be made in
  /// any order and by any number of threads.
  package init(seed: UInt64, kind: UInt64, number: Int) {
    var first = SplitMix64(state: seed ^ kind &* 0xD1B5_4A32_D192_ED03)
    let state = first.next() &+ UInt64(truncatingIfNeeded: number) &* 0xA24B_AED4_963E_E407
    var second = SplitMix64(state: state)
    self.init(state: second.next())
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
