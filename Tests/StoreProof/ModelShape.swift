/// What the content of a `StoreModel` is like.
package struct ModelShape: Sendable {
  /// About how many items there are once it has grown.
  package var itemCount = 20
  /// The most changes of one commit; the fewest is 1.
  package var largestChangeCount = 6
  /// How many tokens an item has.
  package var tokenCounts = 0...6
  /// How many dimensions tokens have.
  package var dimensions = [8, 12]
  /// One item of so many is large.
  package var largeInterval = 8
  /// The tokens of a large item; 0 for none. Six of 2,500 × 64 fill a segment of the scan plane.
  package var largeTokenCount = 2_500
  /// The dimensions of a large item's tokens.
  package var largeDimension = 64

  /// Twenty items, some of them large, of several dimensions.
  package init() {}

  /// Items that can all be found with one query: none large, none without tokens, one dimension.
  package static var searchable: ModelShape {
    var shape = ModelShape()
    shape.itemCount = 150
    shape.tokenCounts = 1...8
    shape.dimensions = [8]
    shape.largeTokenCount = 0
    return shape
  }
}
