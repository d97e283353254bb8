package import FilipEncoders
import FilipLateInteraction
import FilipStore

/// One picture of an explanation: the image with its marks, a heat map for every word, FILIP's
/// alignment, captions, and the scale that all maps share.
package struct ExplanationSheet: Sendable {
  private let picture: ExplanationPicture
  private let query: String

  private static let margin = 14
  /// Dots of captions are squares of so many pixels.
  private static let dot = 2
  private static var lineHeight: Int { BitmapFont.lineHeight * dot + 2 }
  /// Captions have room for a word and its numbers.
  private static let leastPanelWidth = 256
  private static let ink = RGB(hex: 0x1C1C1C)
  private static let paleInk = RGB(hex: 0x6A6A6A)

  /// A sheet for an explanation of `query`; the longest side of each picture is `side` pixels, or less
  /// where the image is smaller.
  package init(_ explanation: Explanation, _ image: DecodedImage, query: String, side: Int = 320) {
    picture = ExplanationPicture(explanation, image, side: side)
    self.query = query
  }

  /// The sheet; of an image without patches, the image alone with its caption.
  package func draw() -> Canvas {
    let panels = panels
    let columns = Self.columnCount(forPanels: panels.count)
    let rows = (panels.count + columns - 1) / columns
    let panelWidth = max(Self.leastPanelWidth, picture.image.width)
    let panelHeight = picture.image.height + 2 * Self.lineHeight + 6
    let head = Self.margin + Self.lineHeight + 4
    let foot = Self.lineHeight + Self.margin
    let width = Self.margin + columns * (panelWidth + Self.margin)
    var sheet = Canvas(
      width: width, height: head + rows * (panelHeight + Self.margin) + foot,
      colour: RGB(hex: 0xFAFAF8))
    write(
      "\(Self.writable(query) ?? "query")  \(Self.decimal(picture.explanation.score))",
      on: &sheet, x: Self.margin, y: Self.margin, width: width - 2 * Self.margin, Self.ink)
    for (number, panel) in panels.enumerated() {
      let (row, column) = number.quotientAndRemainder(dividingBy: columns)
      draw(
        panel, on: &sheet, x: Self.margin + column * (panelWidth + Self.margin),
        y: head + row * (panelHeight + Self.margin), width: panelWidth)
    }
    drawLegend(on: &sheet, y: sheet.height - foot)
    return sheet
  }

  /// Up to four in a row, or three where that leaves less empty.
  private static func columnCount(forPanels count: Int) -> Int {
    guard count > 4 else { return count }
    func emptyCount(_ columns: Int) -> Int { (count + columns - 1) / columns * columns - count }
    return emptyCount(3) < emptyCount(4) ? 3 : 4
  }

  // MARK: - Panels

  private struct Panel {
    var picture: Canvas
    var title: String
    var note: String
    /// The part's colour, beside the title.
    var colour: RGB?
  }

  private var panels: [Panel] {
    let explanation = picture.explanation
    var panels = [
      Panel(picture: picture.marks(), title: "what was found", note: "best patch, region")
    ]
    guard let range = explanation.range, !explanation.item.tiles.isEmpty else { return panels }
    let scale = ColourScale(range)
    for part in explanation.parts {
      let number = part.match.term
      let share = explanation.share(of: part.contribution)
      panels.append(
        Panel(
          picture: picture.heatMap(of: part, scale: scale),
          title: Self.caption(part.term.text, number: number),
          note: Self.decimal(Double(part.match.score))
            + (share.map { "  \(Int((100 * $0).rounded())) %" } ?? "")
            + (part.match.evidence.map { "  evidence \(Self.decimal($0, digits: 1))" } ?? ""),
          colour: .ofPart(number)))
    }
    panels.append(
      Panel(
        picture: picture.alignment(scale: scale), title: "word of each patch",
        note: "fainter: less similar"))
    return panels
  }

  private func draw(_ panel: Panel, on sheet: inout Canvas, x: Int, y: Int, width: Int) {
    sheet.draw(panel.picture, x: x, y: y)
    let text = y + panel.picture.height + 6
    var left = x
    if let colour = panel.colour {
      sheet.fill(left..<left + 10, text + 8..<text + 18, colour)
      left += 16
    }
    write(panel.title, on: &sheet, x: left, y: text, width: width - (left - x), Self.ink)
    write(
      panel.note, on: &sheet, x: x, y: text + Self.lineHeight, width: width, Self.paleInk)
  }

  /// The scale of the heat maps, with the similarities at its ends.
  private func drawLegend(on sheet: inout Canvas, y: Int) {
    guard let range = picture.explanation.range else { return }
    let (low, high) = (
      Self.decimal(Double(range.lowerBound)), Self.decimal(Double(range.upperBound))
    )
    let barWidth = min(200, sheet.width / 3)
    var x = Self.margin
    func write(_ text: String) {
      self.write(text, on: &sheet, x: x, y: y, width: sheet.width - x - Self.margin, Self.paleInk)
      x += (BitmapFont.width(of: text) + 3) * Self.dot
    }
    write(low)
    for column in 0..<barWidth {
      let colour = ColourScale.colour(at: Double(column) / Double(max(1, barWidth - 1)))
      sheet.fill(x + column..<x + column + 1, y + 6..<y + 20, colour)
    }
    x += barWidth + 3 * Self.dot
    write(high)
    write("similarity, one scale for all")
  }

  // MARK: - Text

  private func write(
    _ text: String, on sheet: inout Canvas, x: Int, y: Int, width: Int, _ colour: RGB
  ) {
    sheet.write(
      BitmapFont.fitted(text, width: width / Self.dot), x: x, y: y, colour: colour,
      scale: Self.dot)
  }

  /// A part's number and its text; where the font lacks a character of it, "word" and the number.
  static func caption(_ text: String, number: Int) -> String {
    "\(number + 1) \(writable(text) ?? "word \(number + 1)")"
  }

  /// The text, if the font has all of its characters.
  private static func writable(_ text: String) -> String? {
    BitmapFont.canWrite(text) ? text : nil
  }

  private static func decimal(_ value: Double, digits: Int = 2) -> String {
    let scale = digits == 1 ? 10.0 : 100.0
    let rounded = Int((abs(value) * scale).rounded())
    let fraction = String(rounded % Int(scale))
    return (value < 0 && rounded > 0 ? "-" : "") + "\(rounded / Int(scale))."
      + String(repeating: "0", count: digits - fraction.count) + fraction
  }
}
