import FilipEncoders
import FilipLateInteraction
import FilipQuery
import FilipStore

/// An explanation as the document `filip.explain/1`. Boxes are `[x, y, width, height]` in pixels of the
/// upright original; `patch` counts tile after tile, and so do the values of `map`.
struct ExplanationJSON {
  var explanation: Explanation
  /// The query as it is shown.
  var query: String
  var model: IndexModel
  var paths: PathText

  var document: JSONValue {
    let range = explanation.range
    return .members([
      "schema": .string("filip.explain/1"),
      "query": .members([
        "text": .string(query), "combination": .string(explanation.combination.rawValue),
      ]),
      "model": modelJSON(model), "image": image, "score": .double(explanation.score),
      "words": .array(explanation.parts.map(word)),
      "rest": restJSON(explanation),
      "without": explanation.exclusions.isEmpty
        ? nil : .array(explanation.exclusions.map(word)),
      "tiles": .array(explanation.item.tiles.map(tile)),
      "winners": .array(explanation.winners.map { $0.map(JSONValue.count) ?? .null }),
      "range": range.map { .array([.score($0.lowerBound), .score($0.upperBound)]) },
    ])
  }

  private var image: JSONValue {
    let item = explanation.item
    var object = JSONObject()
    if item.id != .unassigned { _ = object.append("id", .integer(Int64(item.id.rawValue))) }
    let path = paths.json(item.path ?? [])
    _ = object.append(path.key, path.value)
    _ = object.append("width", .count(Int(item.width)))
    _ = object.append("height", .count(Int(item.height)))
    object.appendDescription(of: item)
    return .object(object)
  }

  private func word(_ part: Explanation.Part) -> JSONValue {
    var object = JSONObject()
    func add(_ key: String, _ value: JSONValue?) {
      if let value { _ = object.append(key, value) }
    }
    add("i", .count(part.match.term))
    add("text", .string(part.term.text))
    add(
      "span", part.term.sourceRange.map { .array([.count($0.lowerBound), .count($0.upperBound)]) })
    add("weight", .double(part.term.weight))
    add("score", .score(part.match.score))
    add("contribution", .double(part.contribution))
    add("share", explanation.share(of: part.contribution).map(JSONValue.double))
    add("region", part.region.map(pixelsJSON))
    add("evidence", part.match.evidence.map { .score(Float($0)) })
    if explanation.item.tile(ofPatch: part.match.patch) != nil {
      add("patch", .count(part.match.patch))
      add("box", pixelsJSON(part.match.region))
    }
    add("map", .array(part.map.map(JSONValue.score)))
    return .object(object)
  }

  private func tile(_ tile: ImageTile) -> JSONValue {
    .members([
      "grid": .array([.count(tile.grid.columnCount), .count(tile.grid.rowCount)]),
      "region": pixelsJSON(tile.region),
    ])
  }
}

/// What the rows of no part add; `nil` without any.
func restJSON(_ explanation: Explanation) -> JSONValue? {
  guard explanation.restCount > 0 else { return nil }
  return .members([
    "tokens": .count(explanation.restCount),
    "contribution": .double(explanation.restContribution),
    "share": explanation.share(of: explanation.restContribution).map(JSONValue.double),
  ])
}

/// `[x, y, width, height]` in pixels.
func pixelsJSON(_ region: PixelRegion) -> JSONValue {
  .array([region.x, region.y, region.width, region.height].map { .score(Float($0)) })
}

/// The model that made the tokens.
func modelJSON(_ model: IndexModel) -> JSONValue {
  .members([
    "id": .string(model.location.name), "fingerprint": .string(model.imageFingerprint),
    "token_mode": .string(model.tokenMode.rawValue),
  ])
}
