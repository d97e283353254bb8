/// A colour of 8 bits a channel, sRGB.
package struct RGB: Sendable, Hashable {
  package var red: UInt8
  package var green: UInt8
  package var blue: UInt8

  package init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    (self.red, self.green, self.blue) = (red, green, blue)
  }

  /// A colour as the web writes it, `0xE69F00`.
  package init(hex: Int) {
    self.init(
      UInt8(truncatingIfNeeded: hex >> 16), UInt8(truncatingIfNeeded: hex >> 8),
      UInt8(truncatingIfNeeded: hex))
  }

  static let black = RGB(0, 0, 0)
  static let white = RGB(255, 255, 255)

  /// As the web writes it, `#e69f00`.
  package var css: String {
    "#"
      + [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// How bright it looks, 0…255 (ITU-R BT.601).
  package var luma: Double { 0.299 * Double(red) + 0.587 * Double(green) + 0.114 * Double(blue) }

  /// This colour with a share of another, 0…1.
  func mixed(with other: RGB, share: Double) -> RGB {
    func mix(_ one: UInt8, _ two: UInt8) -> UInt8 {
      UInt8((Double(one) + (Double(two) - Double(one)) * share).rounded())
    }
    return RGB(mix(red, other.red), mix(green, other.green), mix(blue, other.blue))
  }

  /// The grey of the same brightness.
  var grey: RGB {
    let value = UInt8(min(255, luma.rounded()))
    return RGB(value, value, value)
  }

  /// Colours for things of different kinds that stay apart for colour-blind eyes (Okabe and Ito,
  /// 2008), used in turn.
  package static func ofPart(_ number: Int) -> RGB { kinds[number % kinds.count] }

  private static let kinds = [
    0xE69F00, 0x56B4E9, 0xCC79A7, 0x009E73, 0xD55E00, 0x0072B2, 0xF0E442,
  ].map { RGB(hex: $0) }
}
