import FilipEncoders

/// A picture of characters, two pixels in each: the upper one is the colour of `▀`, the lower one that
/// of its ground. An odd last row has the terminal's own ground below it.
func blockText(_ image: DecodedImage, _ depth: ColourDepth) -> String {
  let canvas = Canvas(image)
  var text = ""
  for y in stride(from: 0, to: image.height, by: 2) {
    var last = ""
    for x in 0..<image.width {
      var code = "38;" + colourCode(canvas[x, y], depth)
      if y + 1 < image.height { code += ";48;" + colourCode(canvas[x, y + 1], depth) }
      if code != last { text += "\u{1B}[\(code)m" }
      text += "▀"
      last = code
    }
    text += "\u{1B}[0m\n"
  }
  return text
}

/// A colour as the numbers of `SGR`, without the first, which says what it is the colour of.
private func colourCode(_ colour: RGB, _ depth: ColourDepth) -> String {
  switch depth {
  case .full: "2;\(colour.red);\(colour.green);\(colour.blue)"
  case .indexed: "5;\(indexedColour(nearest: colour))"
  }
}

/// The number of the colour of xterm's 256 that is nearest: one of the cube of 216, or of 24 greys.
func indexedColour(nearest colour: RGB) -> Int {
  func distance(_ red: Int, _ green: Int, _ blue: Int) -> Int {
    let differences = [red - Int(colour.red), green - Int(colour.green), blue - Int(colour.blue)]
    return differences.reduce(0) { $0 + $1 * $1 }
  }
  let levels = [0, 95, 135, 175, 215, 255]
  func level(_ value: UInt8) -> Int {
    levels.indices.min { abs(levels[$0] - Int(value)) < abs(levels[$1] - Int(value)) } ?? 0
  }
  let (red, green, blue) = (level(colour.red), level(colour.green), level(colour.blue))
  let mean = (Int(colour.red) + Int(colour.green) + Int(colour.blue)) / 3
  let step = min(max((mean - 3) / 10, 0), 23)
  let grey = 8 + 10 * step
  let isGreyNearer =
    distance(grey, grey, grey) < distance(levels[red], levels[green], levels[blue])
  return isGreyNearer ? 232 + step : 16 + 36 * red + 6 * green + blue
}
