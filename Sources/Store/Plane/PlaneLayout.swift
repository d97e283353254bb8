public import FilipLateInteraction

/// In which forms an index keeps tokens; chosen when it is made, and fixed then.
public struct PlaneLayout: Hashable, Sendable {
  /// What is kept of the tokens besides the codes of the scan plane.
  public enum Originals: String, Sendable, CaseIterable {
    /// Half precision: searches are exact with respect to it.
    case f16
    /// Nothing: the codes stand for the tokens, and the index takes a third of the room or less.
    case none
  }

  /// Bits of a code; default eight.
  public var bits: PlaneBits
  /// What is kept besides the codes; default half precision.
  public var originals: Originals

  /// A layout; the default one is exact and scans fastest.
  public init(bits: PlaneBits = .eight, originals: Originals = .f16) {
    self.bits = bits
    self.originals = originals
  }
}

extension Transaction where Self: ~Copyable {
  /// The layout that the tables have the form of.
  ///
  /// Where there are tokens, originals are kept; the first segment that can be read says how many
  /// bits a code has. An index without either has nothing that another layout could harm.
  borrowing func layoutOfContent(_ tables: StoreTables) throws(StoreError) -> PlaneLayout {
    let segmentCount = try usage(of: tables.planes).entryCount
    let tokenEntryCount = try usage(of: tables.tokens).entryCount
    let bits = try? withCursor(in: tables.planes) { cursor -> PlaneBits? in
      while try cursor.advance() {
        let bits = cursor.withEntry { _, value in try? SegmentSeal.read(value) { $0.bits } }
        if let bits { return bits }
      }
      return nil
    }
    return PlaneLayout(
      bits: (bits ?? nil) ?? .eight,
      originals: segmentCount > 0 && tokenEntryCount == 0 ? .none : .f16)
  }
}

extension PlaneLayout {
  /// The layout in two sealed bytes: bits; 1 for half precision, 0 for none.
  var bytes: [UInt8] { MetaValue.seal([bits.rawValue, originals == .f16 ? 1 : 0]) }

  /// The layout behind stored bytes, or `nil` when they are none.
  init?(bytes: [UInt8]) {
    guard let value = try? MetaValue.open(bytes), value.count == 2,
      let bits = PlaneBits(rawValue: value[0]), value[1] <= 1
    else { return nil }
    self.init(bits: bits, originals: value[1] == 1 ? .f16 : .none)
  }
}
