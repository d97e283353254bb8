public import FilipLateInteraction

/// A picture of colour-coded patches and the linear encoder that makes tokens of it: which patch
/// each word should match, and how well, is known beforehand.
///
///     var image = PlantedImage(rowCount: 2, columnCount: 3)
///     image.paint(.red, strength: 0.8, row: 1, column: 2)
///     let words = PlantedImage.words([.red, .blue])
///
/// Every colour has an axis of its own, and one more is that of the ground. A patch of a colour at
/// strength s is `s · colour + √(1 − s²) · ground`; a word is its colour's axis. So the similarity
/// of a word is s with a patch of its colour and 0 with every other.
public struct PlantedImage: Sendable, Hashable {
  /// What a patch may show and a word may name.
  public enum Colour: Int, Sendable, CaseIterable {
    case red, orange, yellow, green, blue, violet, white
  }

  /// What a patch shows.
  struct Paint: Sendable, Hashable {
    var colour: Colour
    var strength: Double
  }

  /// Width of the tokens: the ground, and an axis a colour.
  public static let dimension = 1 + Colour.allCases.count

  /// How the patches lie.
  public let grid: PatchGrid
  private var patches: [Paint?]

  /// A picture of nothing but ground.
  public init(rowCount: Int, columnCount: Int) {
    grid = PatchGrid(rowCount: rowCount, columnCount: columnCount)
    patches = Array(repeating: nil, count: grid.patchCount)
  }

  /// A picture of one row, its patches of these colours at full strength.
  public init(_ colours: Colour?...) {
    self.init(rowCount: 1, columnCount: colours.count)
    patches = colours.map { $0.map { Paint(colour: $0, strength: 1) } }
  }

  /// Paints one patch; strength 0…1.
  public mutating func paint(_ colour: Colour, strength: Double = 1, row: Int, column: Int) {
    precondition((0...1).contains(strength), "strength of a colour")
    patches[row * grid.columnCount + column] = Paint(colour: colour, strength: strength)
  }

  /// A row per patch, row after row.
  public var tokens: TokenMatrix {
    let rows = patches.flatMap { paint in
      guard let paint else { return Self.axis(0) }
      var row = Self.axis(1 + paint.colour.rawValue, Float(paint.strength))
      row[0] = Float((1 - paint.strength * paint.strength).squareRoot())
      return row
    }
    return Self.matrix(rows)
  }

  /// A row per word.
  public static func words(_ colours: [Colour]) -> TokenMatrix {
    matrix(colours.flatMap { axis(1 + $0.rawValue) })
  }

  private static func axis(_ index: Int, _ length: Float = 1) -> [Float] {
    var row = [Float](repeating: 0, count: dimension)
    row[index] = length
    return row
  }

  private static func matrix(_ rows: [Float]) -> TokenMatrix {
    do {
      return try TokenMatrix(
        normalizing: rows, tokenCount: rows.count / dimension, dimension: dimension)
    } catch {
      preconditionFailure("finite rows")
    }
  }
}
