import FilipEncoders
import FilipLateInteraction
import SystemPackage

extension LabelledSet {
  /// A gallery of drawn scenes: `captions.json` says what objects each picture shows and where,
  /// `queries.json` asks for one object each and names the pictures that show it.
  static func gallery(_ folder: FilePath) throws(QueryError) -> LabelledSet {
    let captions = folder.appending("captions.json")
    guard let pictures = try json(captions).object else {
      throw malformed(captions, "it is no object with a picture's name for each key")
    }
    var builder = LabelledSetBuilder()
    var objects: [[DrawnObject]] = []
    for picture in pictures.members {
      _ = builder.document(picture.key)
      var drawn: [DrawnObject] = []
      for object in picture.value["objects"]?.array ?? [] {
        guard let object = DrawnObject(object) else {
          throw malformed(captions, "an object of \(picture.key) lacks phrases or a box")
        }
        drawn.append(object)
      }
      objects.append(drawn)
    }
    let file = folder.appending("queries.json")
    for (number, query) in (try json(file).array ?? []).enumerated() {
      guard let text = query["query"]?.string, let name = query["name"]?.string,
        let files = query["files"]?.array
      else { throw malformed(file, "query \(number) lacks its text, name or files") }
      let place = builder.query(text, text: text)
      for file in files.compactMap(\.string) {
        let document = builder.document(file)
        builder.judge(place, document)
        guard document < objects.count else { continue }
        let shown = objects[document].filter {
          $0.fits(name: name, size: query["size"]?.string, colour: query["colour"]?.string)
        }
        if !shown.isEmpty { builder.addBoxes(shown.map(\.box), place, document) }
      }
    }
    return builder.set
  }
}

/// An object of a drawn scene.
private struct DrawnObject {
  var phrases: [String]
  var size: String?
  var colour: String?
  /// In fractions of the picture's sides.
  var box: PixelRegion

  init?(_ object: JSONValue) {
    guard let phrases = object["phrases"]?.array?.compactMap(\.string),
      let box = object["box"]?.array?.compactMap(\.double), box.count == 4
    else { return nil }
    self.phrases = phrases
    self.box = PixelRegion(x: box[0], y: box[1], width: box[2], height: box[3])
    size = object["size"]?.string
    colour = object["colour"]?.string
  }

  /// Whether a query with that name, and with the size and colour that it gives, means the object.
  func fits(name: String, size: String?, colour: String?) -> Bool {
    phrases.contains(name) && (size == nil || size == self.size)
      && (colour == nil || colour == self.colour)
  }
}
