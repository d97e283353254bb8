internal import FilipLateInteraction
internal import FilipLinearAlgebra

/// Reads the pictures of pages as ColModernVBERT does (transformers' `ColModernVBertForRetrieval`):
/// the patches of each part, squares of them put together, stand in a text that the text tower reads.
///
/// Every token of that text is a token of the page, those of the prompt too: the model was trained
/// so. The latter lie nowhere in the picture.
struct PageReader: Sendable {
  private let page: PageConfiguration
  private let vision: VisionTransformer
  private let connector: Linear
  private let text: TextTransformer
  private let tokenizer: any TextTokenizer
  private let prompt: PagePrompt

  /// Width of the joint space.
  var dimension: Int { text.dimension }

  /// Reads both towers and what lies between them.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  init(
    _ page: PageConfiguration, of model: ModelConfiguration, prompt: PagePrompt,
    vision: VisionTransformer, tokenizer: any TextTokenizer, in checkpoint: Checkpoint
  ) throws(EncoderError) {
    self.page = page
    self.prompt = prompt
    self.vision = vision
    self.tokenizer = tokenizer
    text = try TextTransformer(model, in: checkpoint)
    let factor = page.shuffleFactor
    connector = Linear(
      weight: try checkpoint.matrix(
        "vlm.connector.modality_projection.weight", model.text.transformer.width,
        vision.configuration.transformer.width * factor * factor),
      bias: nil)
  }

  /// The tokens of the text around a page that is cut into so many parts.
  private func ids(rowCount: Int, columnCount: Int) -> [Int] {
    // Nothing is cut off here: what is too long for the tower is refused by it.
    tokenizer.tokenize(
      prompt.text(rowCount: rowCount, columnCount: columnCount), limit: 1 << 20
    ).ids.map { Int($0) }
  }

  /// Number of tokens of a page that is cut into so many parts; zeros for one that is not cut.
  func tokenCount(rowCount: Int, columnCount: Int) -> Int {
    ids(rowCount: rowCount, columnCount: columnCount).count
  }

  /// Encodes a page.
  ///
  /// - Throws: `.invalidInput` when tokenizer and configuration do not fit; `.nonFiniteOutput`.
  /// - Complexity: a run of the vision tower for each part, one of the text tower.
  func encode(
    _ image: PreparedImage, workspace: EncoderWorkspace
  ) throws(EncoderError) -> EncodedImage {
    let pictures = (image.parts?.images ?? []) + [image]
    let side = page.gridSide(vision.configuration)
    let vectors = Matrix(
      rowCount: pictures.count * side * side, columnCount: text.configuration.transformer.width)
    for (index, picture) in pictures.enumerated() {
      let rows = vectors.rows(index * side * side..<(index + 1) * side * side)
      let patches = vision.run(on: [picture], mode: .native, workspace: workspace).tokens
      let squares = Self.squares(
        of: patches, side: vision.configuration.gridSide, factor: page.shuffleFactor)
      connector.apply(to: squares, into: rows)
    }
    let ids = ids(
      rowCount: image.parts?.rowCount ?? 0, columnCount: image.parts?.columnCount ?? 0)
    let places = ids.indices.filter { ids[$0] == page.imageToken }
    guard places.count == vectors.rowCount else {
      throw EncoderError(
        .invalidInput,
        "the text of a page has \(places.count) places for the \(vectors.rowCount) vectors of its "
          + "picture; tokenizer.json and config.json belong to different models")
    }
    let output = try text.run(
      on: [TextInput(ids, given: .init(token: page.imageToken, vectors: vectors))],
      workspace: workspace)
    let grid = PatchGrid(rowCount: side, columnCount: side)
    return EncodedImage(
      tokens: try .normalizing(output.tokens), pooled: try .normalizing(output.pooled),
      tiles: pictures.map { ImageTile(grid: grid, region: $0.region) },
      patchTokens: places.map { UInt32($0) })
  }

  /// Puts squares of `factor` × `factor` patches together, (patches / factor², width · factor²): the
  /// patches of a square one after the other, row by row (transformers' `pixel_shuffle`).
  ///
  /// `patches` is (side², width).
  static func squares(of patches: Matrix, side: Int, factor: Int) -> Matrix {
    let (width, count) = (patches.columnCount, side / factor)
    let squares = Matrix(rowCount: count * count, columnCount: width * factor * factor)
    for row in 0..<side {
      for column in 0..<side {
        let place = (row % factor) * factor + column % factor
        let square = row / factor * count + column / factor
        let patch = row * side + column
        squares.rows(square..<square + 1).columns(place * width..<(place + 1) * width)
          .assign(patches.rows(patch..<patch + 1))
      }
    }
    return squares
  }
}
