package import FilipEncoders

/// A picture as a terminal wants it.
package struct TerminalPicture: Sendable {
  package var image: DecodedImage

  package init(_ image: DecodedImage) { self.image = image }

  /// The bytes that show the picture, the cursor in a new line behind it.
  ///
  /// - Parameters:
  ///   - depth: of a picture of blocks.
  ///   - columns: how wide a picture of blocks is at most, in characters.
  /// - Throws: `ImageDecodingError` for a picture that no PNG file holds.
  package func text(
    _ pictureProtocol: PictureProtocol, depth: ColourDepth, columns: Int
  ) throws -> String {
    switch pictureProtocol {
    case .kitty: kittyText(try image.pngData())
    case .iterm2: itermText(try image.pngData())
    case .sixel: sixelText(image)
    case .blocks: blockText(image.reduced(toFit: columns), depth)
    }
  }
}

/// A PNG file in chunks of the kitty graphics protocol: `ESC _ G keys ; base64 ESC \`, 4,096
/// characters each, `m=1` in all but the last. `q=2` forbids the terminal to answer.
func kittyText(_ file: [UInt8]) -> String {
  let code = Array(base64(file).utf8)
  let chunks = stride(from: 0, to: code.count, by: 4_096).map {
    String(decoding: code[$0..<min($0 + 4_096, code.count)], as: UTF8.self)
  }
  var text = ""
  for (number, chunk) in chunks.enumerated() {
    let first = number == 0 ? "a=T,f=100,q=2," : ""
    text += "\u{1B}_G\(first)m=\(number + 1 < chunks.count ? 1 : 0);\(chunk)\u{1B}\\"
  }
  return text + "\n"
}

/// A PNG file as an inline image of iTerm2: `ESC ] 1337 ; File = keys : base64 BEL`.
func itermText(_ file: [UInt8]) -> String {
  "\u{1B}]1337;File=inline=1;size=\(file.count);preserveAspectRatio=1:\(base64(file))\u{7}\n"
}
