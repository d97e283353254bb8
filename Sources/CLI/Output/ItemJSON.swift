import FilipEncoders
import FilipStore

extension JSONObject {
  /// Adds what is known of an item's picture and what its user said of it; nothing for what is not
  /// known.
  mutating func appendDescription(of item: ItemRecord) {
    func text(_ value: String?) -> JSONValue? { value.map(JSONValue.string) }
    let place = item.place.map { place in
      JSONValue.members([
        "latitude": .double(place.latitude), "longitude": .double(place.longitude),
        "altitude": place.altitude.map(JSONValue.double),
      ])
    }
    let words = item.tags.sorted().map { JSONValue.string($0.text) }
    let members: [(String, JSONValue?)] = [
      ("taken", text(item.dateTaken)), ("camera", text(item.camera)), ("lens", text(item.lens)),
      ("place", place), ("tags", words.isEmpty ? nil : .array(words)),
    ]
    for (key, value) in members {
      if let value { _ = append(key, value) }
    }
  }
}
