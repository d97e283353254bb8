internal import FilipLinearAlgebra

/// The text tower: token numbers to tokens of the joint space.
struct TextTransformer: Sendable {
  let configuration: TextConfiguration
  private let tokenTable: RowTable
  /// (positions, width).
  private let positions: Matrix
  private let blocks: [TransformerBlock]
  private let normAfterBlocks: LayerNorm
  private let projections: (tokens: Linear, pooled: Linear)

  /// Width of the joint space.
  var dimension: Int { projections.tokens.weight.rowCount }

  /// The vectors of a batch, not normalised. Both live in the workspace until its next use.
  struct Output {
    /// All texts' tokens, one text after the other, (tokens, dimension).
    let tokens: Matrix
    /// (texts, dimension).
    let pooled: Matrix
  }

  /// Runs the tower on texts of different lengths, without padding.
  ///
  /// - Throws: `.invalidInput` when a text is empty or too long, has a number that is not in the
  ///   vocabulary, or lacks its end token.
  func run(on texts: [[Int]], workspace: EncoderWorkspace) throws(EncoderError) -> Output {
    var sequences: [Range<Int>] = []
    var ends: [Int] = []
    var total = 0
    for text in texts {
      ends.append(total + (try endPosition(in: text)))
      sequences.append(total..<total + text.count)
      total += text.count
    }
    let width = configuration.transformer.width
    let tokens = workspace.matrix(.tokens, rowCount: total, columnCount: width)
    for (sequence, text) in zip(sequences, texts) {
      for (position, number) in text.enumerated() {
        let row = tokens.rows(sequence).rows(position..<position + 1)
        tokenTable.copyRow(number, to: row)
        row.add(toEveryRow: positions.rows(position..<position + 1))
      }
    }
    for block in blocks {
      block.run(on: tokens, sequences: sequences, workspace: workspace)
    }
    normAfterBlocks.apply(to: tokens, into: tokens)

    let summaries = workspace.matrix(.summaries, rowCount: texts.count, columnCount: width)
    for (index, end) in ends.enumerated() {
      summaries.rows(index..<index + 1).assign(tokens.rows(end..<end + 1))
    }
    let projected = workspace.matrix(.projected, rowCount: total, columnCount: dimension)
    projections.tokens.apply(to: tokens, into: projected)
    let pooled = workspace.matrix(.pooled, rowCount: texts.count, columnCount: dimension)
    projections.pooled.apply(to: summaries, into: pooled)
    return Output(tokens: projected, pooled: pooled)
  }

  /// The position of a text's end token.
  ///
  /// - Throws: `.invalidInput` when the text does not fit the model; see `run`.
  func endPosition(in text: [Int]) throws(EncoderError) -> Int {
    guard !text.isEmpty, text.count <= configuration.positionCount else {
      throw EncoderError(
        .invalidInput,
        "a text of \(text.count) tokens; this model takes 1 to \(configuration.positionCount)")
    }
    if let stranger = text.first(where: { $0 < 0 || $0 >= configuration.vocabularySize }) {
      throw EncoderError(
        .invalidInput,
        "token number \(stranger) is not among the model's \(configuration.vocabularySize); "
          + "tokenizer.json and weights belong to different models")
    }
    guard let end = configuration.endPosition(in: text) else {
      throw EncoderError(
        .invalidInput,
        "a text without its end token; tokenizer.json and config.json belong to different models")
    }
    return end
  }

  // MARK: - Loading

  /// Reads the tower; the vocabulary's table stays in its file.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  init(_ model: ModelConfiguration, in checkpoint: Checkpoint) throws(EncoderError) {
    let configuration = model.text
    let transformer = configuration.transformer
    let width = transformer.width
    let names = model.family.textNames
    self.configuration = configuration
    tokenTable = try checkpoint.table(
      names.tokens, rowCount: configuration.vocabularySize, columnCount: width)
    positions = try checkpoint.matrix(names.positions, configuration.positionCount, width)
    blocks = try checkpoint.blocks(of: transformer, named: names.block)
    normAfterBlocks = try checkpoint.layerNorm(
      names.normAfterBlocks, width: width, epsilon: transformer.normEpsilon)
    projections = try checkpoint.projections(
      names.projection, pooled: names.pooledProjection, width: width,
      dimension: model.projectionDimension)
  }
}
