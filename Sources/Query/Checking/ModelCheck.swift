package import FilipEncoders
import FilipLateInteraction
import FilipStore
package import SystemPackage

/// Whether the patches of a model answer to words, or its pooled vectors alone do.
///
/// Models that were trained on pooled vectors need not have patches that mean anything; which token
/// mode helps is a question to the model. Each text of a labelled set is compared with every picture:
/// a response is right when a picture that the text is true of scores above one that it is not.
package struct ModelCheck: Sendable {
  /// What one way to take vectors gives.
  package struct Response: Sendable {
    /// The token mode; `nil` for pooled vectors.
    package var mode: TokenMode?
    /// How often a true picture scores above a false one, averaged over the texts, with a bootstrap
    /// interval over them: 0.5 is chance (the area under the ROC curve).
    package var rightShare: MeanEstimate
    /// How often the best patch lies on the object, where boxes are known; half a patch is
    /// tolerated.
    package var pointing: MeanEstimate?
    /// How often a patch that is drawn at random would.
    package var pointingByChance: Double?
  }

  /// Pictures that were encoded.
  package private(set) var imageCount = 0
  /// Pictures that could not be read.
  package private(set) var unreadableCount = 0
  /// Texts that are true of one of them and not of all.
  package private(set) var textCount = 0
  /// Pooled vectors first, then the token modes in the family's order.
  package private(set) var responses: [Response] = []

  /// Encodes the first pictures of a set in every token mode, and the texts that are about them.
  /// - Parameters:
  ///   - folder: where the pictures lie that the set names.
  ///   - limit: how many pictures, at most.
  ///   - progress: called with the number of pictures done and of all, each counted once a mode.
  /// - Throws: `QueryError` when nothing can be compared; `EncoderError`.
  /// - Complexity: one run of the vision tower for each picture and mode.
  package init(
    _ model: ModelDirectory, on set: LabelledSet, in folder: FilePath, limit: Int,
    progress: (_ finished: Int, _ all: Int) -> Void = { _, _ in }
  ) throws {
    guard let preprocessing = model.preprocessing else {
      throw QueryError(
        .modelMismatch, "\(model.path): a \(model.family.rawValue) model takes no pictures to check"
      )
    }
    let decoder = ImageDecoder(limits: .scaledToMemory(threadCount: 1))
    let preprocessor = ImagePreprocessor(configuration: preprocessing)
    var pictures: [Picture] = []
    for (place, name) in set.documents.enumerated() where pictures.count < limit {
      do {
        let image = try decoder.decode(folder.appending(name).read())
        pictures.append(
          Picture(
            place: place, width: image.width, height: image.height,
            prepared: preprocessor.prepare(image)))
      } catch {
        unreadableCount += 1
      }
    }
    imageCount = pictures.count
    let texts = try Self.texts(of: set, about: pictures, model)
    textCount = texts.count
    guard !texts.isEmpty else {
      throw QueryError(
        .notFound,
        "\(folder): no text of the set is true of some of its first \(pictures.count) pictures and "
          + "not of all; give another set, or more pictures (--count)")
    }
    for (index, mode) in model.tokenModes.enumerated() {
      let encoder = try ImageEncoder(model: model, tokenMode: mode)
      let workspace = encoder.makeWorkspace()
      var columns: [Column] = []
      for picture in pictures {
        try Task.checkCancellation()
        let encoded = try encoder.encode([picture.prepared], workspace: workspace)[0]
        columns.append(Column(picture, encoded, texts))
        progress(index * pictures.count + columns.count, model.tokenModes.count * pictures.count)
      }
      if index == 0 {
        responses.append(Response(texts, columns.map(\.pooled), groundings: [], nil))
      }
      responses.append(
        Response(texts, columns.map(\.scores), groundings: columns.flatMap(\.groundings), mode))
    }
  }

  // MARK: - Pictures and texts

  private struct Picture {
    /// In the set.
    var place: Int
    var width: Int
    var height: Int
    var prepared: PreparedImage
  }

  fileprivate struct Text {
    var tokens: TokenMatrix
    var pooled: [Float]
    /// By picture: whether it is true of it.
    var isTrue: [Bool]
    /// By picture: where its object lies, in fractions of the sides.
    var boxes: [Int: [PixelRegion]]
  }

  private static func texts(
    of set: LabelledSet, about pictures: [Picture], _ model: ModelDirectory
  ) throws(EncoderError) -> [Text] {
    let encoder = try TextEncoder(model: model)
    var texts: [Text] = []
    for query in set.queries {
      let isTrue = pictures.map { (query.grades[$0.place] ?? 0) > 0 }
      guard isTrue.contains(true), isTrue.contains(false) else { continue }
      let encoded = try encoder.encode(query.text)
      var boxes: [Int: [PixelRegion]] = [:]
      for picture in pictures { boxes[picture.place] = query.boxes[picture.place] }
      texts.append(
        Text(tokens: encoded.tokens, pooled: encoded.pooled, isTrue: isTrue, boxes: boxes))
    }
    return texts
  }

  /// What every text makes of one picture.
  private struct Column {
    var scores: [Double] = []
    var pooled: [Double] = []
    var groundings: [GroundedText] = []

    init(_ picture: Picture, _ encoded: EncodedImage, _ texts: [Text]) {
      var item = ItemRecord(kind: .image, path: [])
      item.width = UInt32(picture.width)
      item.height = UInt32(picture.height)
      item.tokenCount = encoded.tokens.tokenCount
      item.tiles = encoded.tiles
      item.patchTokens = encoded.patchTokens
      for text in texts {
        let similarities = ExactSimilarities(text: text.tokens, image: encoded.tokens)
        scores.append(similarities.score(.textToImage))
        pooled.append(
          zip(text.pooled, encoded.pooled).reduce(0) { $0 + Double($1.0) * Double($1.1) })
        guard let boxes = text.boxes[picture.place],
          let grounding = Grounding(similarities, item, boxes: boxes)
        else { continue }
        groundings.append(
          GroundedText(
            isRight: grounding.pointsInside,
            chance: Grounding.pointingByChance(in: item, boxes: boxes)))
      }
    }
  }

  fileprivate struct GroundedText {
    var isRight: Bool
    var chance: Double
  }
}

extension ModelCheck.Response {
  /// - Parameter columns: scores by picture and text.
  fileprivate init(
    _ texts: [ModelCheck.Text], _ columns: [[Double]], groundings: [ModelCheck.GroundedText],
    _ mode: TokenMode?
  ) {
    self.mode = mode
    rightShare = MeanEstimate(
      bootstrapping: texts.enumerated().map { index, text in
        var (right, wrong) = ([Double](), [Double]())
        for (column, isTrue) in zip(columns, text.isTrue) {
          if isTrue { right.append(column[index]) } else { wrong.append(column[index]) }
        }
        return shareAbove(right, wrong)
      })
    guard !groundings.isEmpty else { return }
    pointing = MeanEstimate(bootstrapping: groundings.map { $0.isRight ? 1 : 0 })
    pointingByChance = groundings.reduce(0) { $0 + $1.chance } / Double(groundings.count)
  }
}

/// How often a value of the first list is above one of the second; equal ones count half
/// (Mann-Whitney).
func shareAbove(_ first: [Double], _ second: [Double]) -> Double {
  let sorted = second.sorted()
  /// How many of the second list are below a value, or not above it.
  func count(_ value: Double, orEqual: Bool) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < value || (orEqual && sorted[middle] == value) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }
  let sum = first.reduce(0.0) {
    $0 + Double(count($1, orEqual: false) + count($1, orEqual: true)) / 2
  }
  return sum / Double(first.count * second.count)
}
