package import FilipEncoders
import FilipLateInteraction
import FilipStore

/// Pictures of an explanation, drawn over the image: what each word found, and how strongly every patch
/// answers to it.
package struct ExplanationPicture: Sendable {
  package let explanation: Explanation
  /// The upright image, as large as it is drawn.
  package let image: DecodedImage

  /// How much of a heat map's colour covers the picture.
  private static let heatOpacity = 0.65

  /// - Parameters:
  ///   - image: the upright original, or a smaller copy.
  ///   - side: the longest side of the pictures, in pixels; none is enlarged.
  package init(_ explanation: Explanation, _ image: DecodedImage, side: Int) {
    self.explanation = explanation
    self.image = image.reduced(toFit: side)
  }

  /// The image with every part's region and best patch outlined in the part's colour; where several
  /// parts share a best patch, one inside the other.
  package func marks() -> Canvas {
    var canvas = Canvas(image)
    for (number, part) in explanation.parts.enumerated() {
      let outer = explanation.parts[..<number].count { $0.match.patch == part.match.patch }
      mark(part, .ofPart(number), inside: outer, on: &canvas)
    }
    return canvas
  }

  /// The image in dark grey under the similarities of one part with its patches; what the model does
  /// not see stays plain.
  ///
  /// - Parameter scale: the colours of similarities, one scale for all parts.
  package func heatMap(of part: Explanation.Part, scale: ColourScale) -> Canvas {
    var canvas = greyed(brightness: 0.6)
    for (cell, value) in strongest(part.map) {
      canvas.fill(cell.columns, cell.rows, scale.colour(of: value), opacity: Self.heatOpacity)
    }
    mark(part, .white, inside: 0, on: &canvas)
    return canvas
  }

  /// FILIP's picture of an alignment (Yao et al., ICLR 2022, visualization of alignment): every patch bears the
  /// number of the part that is most similar to it, and its colour, the fainter the less it is.
  /// Patches that a special token or the sentence as a whole wins stay grey.
  package func alignment(scale: ColourScale) -> Canvas {
    var canvas = greyed(brightness: 1)
    for (patch, winner) in explanation.winners.enumerated() {
      guard let winner, let cell = cell(ofPatch: patch) else { continue }
      let share = scale.share(of: explanation.parts[winner].map[patch])
      canvas.fill(cell.columns, cell.rows, .ofPart(winner), opacity: 0.1 + 0.7 * share)
      let label = String(winner + 1)
      let (width, height) = (BitmapFont.width(of: label) - 1, 7)
      guard share > 0.3, cell.columns.count > width + 2, cell.rows.count > height + 2 else {
        continue
      }
      // A letter's dots begin below the rows of accents.
      canvas.write(
        label, x: cell.columns.lowerBound + (cell.columns.count - width) / 2,
        y: cell.rows.lowerBound + (cell.rows.count - height) / 2 - 3, colour: .black, scale: 1)
    }
    return canvas
  }

  // MARK: - Places

  /// Pixels of the drawn image.
  private typealias Cell = (columns: Range<Int>, rows: Range<Int>)

  /// The pixels that a region of the original covers, as far as they are in the picture.
  private func cell(of region: PixelRegion) -> Cell {
    let item = explanation.item
    func range(_ start: Double, _ extent: Double, _ whole: UInt32, _ pixelCount: Int) -> Range<Int>
    {
      let scale = Double(pixelCount) / Double(max(1, whole))
      func pixel(_ value: Double) -> Int {
        min(max(Int((value * scale).rounded()), 0), pixelCount)
      }
      return pixel(start)..<max(pixel(start), pixel(start + extent))
    }
    return (
      range(region.x, region.width, item.width, image.width),
      range(region.y, region.height, item.height, image.height)
    )
  }

  private func cell(ofPatch patch: Int) -> Cell? {
    explanation.item.tile(ofPatch: patch).map { _ in
      cell(of: explanation.item.region(ofPatch: patch))
    }
  }

  /// Every patch's pixels and value, the largest last: where tiles overlap, it is drawn over the rest.
  private func strongest(_ map: [Float]) -> [(cell: Cell, value: Float)] {
    let cells = map.enumerated().compactMap { patch, value in
      cell(ofPatch: patch).map { (cell: $0, value: value) }
    }
    return explanation.item.tiles.count > 1 ? cells.sorted { $0.value < $1.value } : cells
  }

  /// Outlines the region and the best patch of a part, the latter inside so many others.
  private func mark(
    _ part: Explanation.Part, _ colour: RGB, inside outer: Int, on canvas: inout Canvas
  ) {
    if let region = part.region {
      let cell = cell(of: region)
      canvas.outline(cell.columns, cell.rows, colour, thickness: 1)
    }
    guard let best = cell(ofPatch: part.match.patch) else { return }
    // Of small patches a thin line leaves something to see.
    let room = min(best.columns.count, best.rows.count)
    let thickness = room < 16 ? 1 : 3
    let inset = min((thickness + 1) * outer, max(0, room / 2 - thickness - 1))
    let columns = best.columns.dropFirst(inset).dropLast(inset)
    let rows = best.rows.dropFirst(inset).dropLast(inset)
    if thickness > 1 { canvas.outline(columns, rows, .black, thickness: thickness + 1) }
    canvas.outline(columns, rows, colour, thickness: thickness)
  }

  private func greyed(brightness: Double) -> Canvas {
    var canvas = Canvas(image)
    for y in 0..<canvas.height {
      for x in 0..<canvas.width {
        canvas[x, y] = RGB.black.mixed(with: canvas[x, y].grey, share: brightness)
      }
    }
    return canvas
  }
}
