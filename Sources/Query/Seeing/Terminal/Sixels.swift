import FilipEncoders

/// A picture as sixels: columns of six dots, a character for each, one colour after the other.
///
///     ESC P 0;1;0 q "1;1;W;H  #n;2;r;g;b …  #n runs $ #n runs - …  ESC \
///
/// Colours are the 216 whose channels are whole fifths, which sixels can say exactly; what is rounded
/// away is handed to the pixels beside and below (Floyd and Steinberg, 1976).
func sixelText(_ image: DecodedImage) -> String {
  let colours = sixelColours(of: image)
  var text = "\u{1B}P0;1;0q\"1;1;\(image.width);\(image.height)"
  for colour in Set(colours).sorted() {
    let (red, green, blue) = (Int(colour) / 36, Int(colour) / 6 % 6, Int(colour) % 6)
    text += "#\(colour);2;\(red * 20);\(green * 20);\(blue * 20)"
  }
  for top in stride(from: 0, to: image.height, by: 6) {
    let rows = top..<min(top + 6, image.height)
    // For each colour of the band, the dots of every column.
    var dots: [UInt8: [UInt8]] = [:]
    for y in rows {
      for x in 0..<image.width {
        dots[colours[y * image.width + x], default: Array(repeating: 0, count: image.width)][x] |=
          1 << UInt8(y - top)
      }
    }
    let lines = dots.sorted { $0.key < $1.key }.map { "#\($0.key)" + runs(of: $0.value) }
    text += lines.joined(separator: "$") + "-"
  }
  return text + "\u{1B}\\\n"
}

/// For each pixel its colour, `36 red + 6 green + blue`, each in fifths.
func sixelColours(of image: DecodedImage) -> [UInt8] {
  // What is left of earlier pixels: of this row and of the next, a pixel of margin at both sides.
  var this = [Double](repeating: 0, count: (image.width + 2) * 3)
  var next = this
  var colours: [UInt8] = []
  colours.reserveCapacity(image.width * image.height)
  for y in 0..<image.height {
    for x in 0..<image.width {
      var colour: UInt8 = 0
      for channel in 0..<3 {
        let place = (x + 1) * 3 + channel
        let wanted = Double(image.pixels[(y * image.width + x) * 3 + channel]) + this[place]
        let fifths = min(max((wanted / 51).rounded(), 0), 5)
        let rest = wanted - fifths * 51
        this[place + 3] += rest * 7 / 16
        next[place - 3] += rest * 3 / 16
        next[place] += rest * 5 / 16
        next[place + 3] += rest / 16
        colour = colour * 6 + UInt8(fifths)
      }
      colours.append(colour)
    }
    this = next
    for place in next.indices { next[place] = 0 }
  }
  return colours
}

/// Characters `?` to `~` for columns of dots; what is repeated more than three times is counted.
private func runs(of dots: [UInt8]) -> String {
  var text = ""
  var start = 0
  while start < dots.count {
    let end = dots[start...].firstIndex { $0 != dots[start] } ?? dots.count
    let character = String(UnicodeScalar(63 + dots[start]))
    text +=
      end - start > 3
      ? "!\(end - start)\(character)" : String(repeating: character, count: end - start)
    start = end
  }
  return text
}
