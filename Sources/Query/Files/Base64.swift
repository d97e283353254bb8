/// Base64 (RFC 4648) with padding: for paths that are not UTF-8 and for pictures inside a page.
package func base64(_ bytes: [UInt8]) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var output: [UInt8] = []
  output.reserveCapacity((bytes.count + 2) / 3 * 4)
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let group = bytes[start..<min(start + 3, bytes.count)]
    var bits = 0
    for offset in 0..<3 {
      bits = bits << 8 | (offset < group.count ? Int(bytes[start + offset]) : 0)
    }
    for digit in 0..<4 {
      output.append(
        digit <= group.count ? alphabet[bits >> (18 - 6 * digit) & 63] : UInt8(ascii: "="))
    }
  }
  return String(decoding: output, as: UTF8.self)
}

/// The bytes that base64 text stands for; `nil` for text that is none.
func bytes(base64 text: String) -> [UInt8]? {
  let characters = Array(text.utf8)
  guard characters.count.isMultiple(of: 4) else { return nil }
  let digits = characters.dropLast(characters.suffix(2).count { $0 == UInt8(ascii: "=") })
  var output: [UInt8] = []
  output.reserveCapacity(characters.count / 4 * 3)
  var (bits, count) = (0, 0)
  for character in digits {
    guard let value = digit(character) else { return nil }
    (bits, count) = ((bits << 6 | value) & 0xFFFF, count + 6)
    if count >= 8 {
      count -= 8
      output.append(UInt8(truncatingIfNeeded: bits >> count))
    }
  }
  return output
}

private func digit(_ character: UInt8) -> Int? {
  switch character {
  case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(character) - 65
  case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(character) - 71
  case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(character) + 4
  case UInt8(ascii: "+"): 62
  case UInt8(ascii: "/"): 63
  default: nil
  }
}
