package import FilipEncoders

/// Pixels to draw on. What lies outside is not drawn.
package struct Canvas: Sendable {
  /// Pixels from left to right.
  package let width: Int
  /// Pixels from top to bottom.
  package let height: Int
  private var pixels: [UInt8]

  /// An empty picture.
  init(width: Int, height: Int, colour: RGB) {
    precondition(width > 0 && height > 0, "size of a picture")
    (self.width, self.height) = (width, height)
    pixels = []
    pixels.reserveCapacity(width * height * 3)
    for _ in 0..<width * height { pixels += [colour.red, colour.green, colour.blue] }
  }

  /// A copy of a picture.
  init(_ image: DecodedImage) {
    (width, height, pixels) = (image.width, image.height, image.pixels)
  }

  /// What was drawn.
  package var image: DecodedImage {
    DecodedImage(width: width, height: height, pixels: pixels, format: .png)
  }

  /// One pixel.
  /// - Precondition: it lies in the picture.
  package subscript(x: Int, y: Int) -> RGB {
    get {
      let place = (y * width + x) * 3
      return RGB(pixels[place], pixels[place + 1], pixels[place + 2])
    }
    set {
      let place = (y * width + x) * 3
      (pixels[place], pixels[place + 1], pixels[place + 2]) = (
        newValue.red, newValue.green, newValue.blue
      )
    }
  }

  /// Fills a rectangle; what was there shines through as far as `opacity` is below 1.
  mutating func fill(_ columns: Range<Int>, _ rows: Range<Int>, _ colour: RGB, opacity: Double = 1)
  {
    for y in rows.clamped(to: 0..<height) {
      for x in columns.clamped(to: 0..<width) {
        self[x, y] = opacity == 1 ? colour : self[x, y].mixed(with: colour, share: opacity)
      }
    }
  }

  /// Draws the inner edge of a rectangle.
  mutating func outline(_ columns: Range<Int>, _ rows: Range<Int>, _ colour: RGB, thickness: Int) {
    let (left, right) = (columns.lowerBound, columns.upperBound)
    let (top, bottom) = (rows.lowerBound, rows.upperBound)
    fill(left..<right, top..<min(top + thickness, bottom), colour)
    fill(left..<right, max(bottom - thickness, top)..<bottom, colour)
    fill(left..<min(left + thickness, right), rows, colour)
    fill(max(right - thickness, left)..<right, rows, colour)
  }

  /// Puts another picture here, its upper left corner at a pixel.
  mutating func draw(_ other: Canvas, x: Int, y: Int) {
    for row in (0..<other.height).clamped(to: -y..<max(-y, height - y)) {
      for column in (0..<other.width).clamped(to: -x..<max(-x, width - x)) {
        self[x + column, y + row] = other[column, row]
      }
    }
  }

  /// Writes a line of text, each of its dots a square of `scale` pixels. `y` is the upper edge of the
  /// line, whose height is `BitmapFont.lineHeight * scale`.
  ///
  /// Characters that the font does not have are left out.
  mutating func write(_ text: String, x: Int, y: Int, colour: RGB, scale: Int = 2) {
    var left = x
    for glyph in text.compactMap(BitmapFont.glyph) {
      for (column, dots) in glyph.columns.enumerated() {
        for row in 0..<BitmapFont.lineHeight where dots >> row & 1 == 1 {
          let (dotX, dotY) = (left + column * scale, y + row * scale)
          fill(dotX..<dotX + scale, dotY..<dotY + scale, colour)
        }
      }
      left += (glyph.columns.count + 1) * scale
    }
  }
}
