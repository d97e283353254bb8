internal import FilipLinearAlgebra

/// How FG-CLIP 2 reads a text, in its authors' words. All other towers know the first way only.
enum TextWalk: Int, Sendable, Hashable {
  /// As a caption, whose vector is comparable with those of whole images.
  case short
  /// As what a region shows: the same tokens through another head, comparable with patches.
  case box
  /// As a caption that is too long for the first way: other positions, and a head of its own.
  case long
}

/// What a text tower is given: one text.
struct TextInput: Sendable {
  /// Token numbers, those that fill up included.
  var ids: [Int]
  /// The tokens that others see; `nil` for all.
  var visible: Range<Int>?
  /// How the text is read.
  var walk: TextWalk
  /// Tokens from the start on that do not count for the vector of the whole text.
  var unpooledCount = 0
  /// Vectors that are given; `nil` where all come from the vocabulary.
  var given: Given?

  /// Vectors that stand where the text has a token, one after the other.
  struct Given: Sendable {
    var token: Int
    /// One for each place of the token, (places, width).
    var vectors: Matrix
  }

  /// A text of these tokens, all of which are seen.
  init(
    _ ids: [Int], visible: Range<Int>? = nil, walk: TextWalk = .short, given: Given? = nil
  ) {
    self.ids = ids
    self.visible = visible
    self.walk = walk
    self.given = given
  }
}

/// The text tower: token numbers to tokens of the joint space.
struct TextTransformer: Sendable {
  let configuration: TextConfiguration
  /// Width of the joint space.
  let dimension: Int
  private let tokenTable: RowTable
  /// What every token is given by its place, (positions, width); `nil` for rotary positions.
  private let positions: Matrix?
  private let normBeforeBlocks: LayerNorm?
  private let blocks: [TransformerBlock]
  private let normAfterBlocks: LayerNorm?
  /// `nil` where the tower's own space is the joint one.
  private let projections: (tokens: Linear, pooled: Linear)?
  /// What the other walks have of their own.
  private let walks: Walks?

  /// What the box walk and the long one have of their own: heads, and a long text's positions.
  private struct Walks: Sendable {
    let boxHead, longHead: Linear
    let longPositions: Matrix
  }

  /// The vectors of a batch, not normalised. Both live in the workspace until its next use.
  struct Output {
    /// All texts' tokens, one text after the other, (tokens, dimension).
    let tokens: Matrix
    /// (texts, dimension).
    let pooled: Matrix
  }

  /// Runs the tower on texts of different lengths.
  ///
  /// - Throws: `.invalidInput` when a text is empty or too long, has a number that is not in the
  ///   vocabulary, or lacks its end token.
  func run(on texts: [TextInput], workspace: EncoderWorkspace) throws(EncoderError) -> Output {
    var sequences: [Range<Int>] = []
    var visible: [Range<Int>] = []
    var summaryPositions: [Int?] = []
    var total = 0
    for text in texts {
      summaryPositions.append(try summaryPosition(in: text))
      sequences.append(total..<total + text.ids.count)
      let seen = text.visible ?? text.ids.indices
      visible.append(total + seen.lowerBound..<total + seen.upperBound)
      total += text.ids.count
    }
    let width = configuration.transformer.width
    let tokens = workspace.matrix(.tokens, rowCount: total, columnCount: width)
    for (sequence, text) in zip(sequences, texts) { embed(text, into: tokens.rows(sequence)) }
    normBeforeBlocks?.apply(to: tokens, into: tokens)
    let rotations = rotations(placeCount: sequences.map(\.count).max() ?? 0)
    for block in blocks {
      block.run(
        on: tokens, sequences: sequences, visible: visible,
        rotation: block.attention.rotationBase.flatMap { rotations[$0] }, workspace: workspace)
    }
    normAfterBlocks?.apply(to: tokens, into: tokens)

    let summaries = workspace.matrix(.summaries, rowCount: texts.count, columnCount: width)
    for (index, position) in summaryPositions.enumerated() {
      let summary = summaries.rows(index..<index + 1)
      if let position {
        let row = sequences[index].lowerBound + position
        summary.assign(tokens.rows(row..<row + 1))
      } else {
        let unpooled = sequences[index].lowerBound + texts[index].unpooledCount
        let pooled = visible[index].clamped(to: min(unpooled, total)..<total)
        // A text that was cut to its prompt has nothing else.
        tokens.rows(pooled.isEmpty ? visible[index] : pooled).writeRowMean(into: summary)
      }
    }
    guard let projections else { return Output(tokens: tokens, pooled: summaries) }
    let projected = workspace.matrix(.projected, rowCount: total, columnCount: dimension)
    let pooled = workspace.matrix(.pooled, rowCount: texts.count, columnCount: dimension)
    guard let walks else {
      projections.tokens.apply(to: tokens, into: projected)
      projections.pooled.apply(to: summaries, into: pooled)
      return Output(tokens: projected, pooled: pooled)
    }
    for (index, text) in texts.enumerated() {
      let head =
        switch text.walk {
        case .short: projections.tokens
        case .box: walks.boxHead
        case .long: walks.longHead
        }
      head.apply(to: tokens.rows(sequences[index]), into: projected.rows(sequences[index]))
      head.apply(to: summaries.rows(index..<index + 1), into: pooled.rows(index..<index + 1))
    }
    return Output(tokens: projected, pooled: pooled)
  }

  private func embed(_ text: TextInput, into tokens: Matrix) {
    let positions = text.walk == .long ? walks?.longPositions ?? positions : positions
    var givenCount = 0
    for (position, number) in text.ids.enumerated() {
      let row = tokens.rows(position..<position + 1)
      if let given = text.given, given.token == number {
        row.assign(given.vectors.rows(givenCount..<givenCount + 1))
        givenCount += 1
      } else {
        tokenTable.copyRow(number, to: row)
      }
      if configuration.embeddingScale != 1 {
        row.multiplyElements(by: configuration.embeddingScale)
      }
      if let positions { row.add(toEveryRow: positions.rows(position..<position + 1)) }
    }
  }

  /// The angles of rotary positions, by their bases.
  private func rotations(placeCount: Int) -> [Float: RotaryTable] {
    let transformer = configuration.transformer
    guard let rotation = transformer.rotation else { return [:] }
    var tables: [Float: RotaryTable] = [:]
    for base in [rotation.globalBase, rotation.localBase] {
      tables[base] = RotaryTable(
        placeCount: placeCount, headWidth: transformer.width / transformer.headCount, base: base)
    }
    return tables
  }

  /// The position of the token that stands for all of a text; `nil` where the mean does.
  ///
  /// - Throws: `.invalidInput` when the text does not fit the model; see `run`.
  @discardableResult
  func summaryPosition(in text: TextInput) throws(EncoderError) -> Int? {
    let (ids, limit) = (text.ids, configuration.lengthLimit(of: text.walk))
    guard !ids.isEmpty, ids.count <= limit else {
      throw EncoderError(
        .invalidInput, "a text of \(ids.count) tokens; this model takes 1 to \(limit)")
    }
    if let stranger = ids.first(where: { $0 < 0 || $0 >= configuration.vocabularySize }) {
      throw EncoderError(
        .invalidInput,
        "token number \(stranger) is not among the model's \(configuration.vocabularySize); "
          + "tokenizer.json and weights belong to different models")
    }
    switch configuration.pooling {
    case .first: return text.unpooledCount < ids.count ? text.unpooledCount : 0
    case .last: return ids.count - 1
    case .mean: return nil
    case .end(let rule):
      if let end = rule.endPosition(in: ids) { return end }
      throw EncoderError(
        .invalidInput,
        "a text without its end token; tokenizer.json and config.json belong to different models")
    }
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
    func norm(_ names: LayerNames?) throws(EncoderError) -> LayerNorm? {
      guard let names else { return nil }
      return try checkpoint.layerNorm(
        names, width: width, epsilon: transformer.normEpsilon, hasBias: transformer.hasNormBias)
    }
    self.configuration = configuration
    dimension = model.projectionDimension
    tokenTable = try checkpoint.table(
      names.tokens, rowCount: configuration.vocabularySize, columnCount: width)
    positions = try Self.positions(configuration, names, in: checkpoint)
    normBeforeBlocks = try norm(names.normBeforeBlocks)
    blocks = try checkpoint.blocks(of: transformer, named: names.block)
    normAfterBlocks = try norm(names.normAfterBlocks)
    projections = try Self.projections(names, width: width, dimension: dimension, in: checkpoint)
    if let long = configuration.longPositions, let names = names.walks {
      walks = try Self.walks(names, long, width: width, dimension: dimension, in: checkpoint)
    } else {
      walks = nil
    }
  }

  private static func walks(
    _ names: TextWalkNames, _ long: TextConfiguration.LongPositions, width: Int, dimension: Int,
    in checkpoint: Checkpoint
  ) throws(EncoderError) -> Walks {
    let places = Matrix(rowCount: long.count, columnCount: width)
    let first = try checkpoint.matrix(names.firstLongPositions, long.count, width)
    places.assign(try checkpoint.matrix(names.otherLongPositions, long.count, width))
    places.rows(0..<long.keptCount).assign(first.rows(0..<long.keptCount))
    return Walks(
      boxHead: try checkpoint.linear(names.boxProjection, input: width, output: dimension),
      longHead: try checkpoint.linear(names.longProjection, input: width, output: dimension),
      longPositions: places)
  }

  private static func positions(
    _ configuration: TextConfiguration, _ names: TextNames, in checkpoint: Checkpoint
  ) throws(EncoderError) -> Matrix? {
    let width = configuration.transformer.width
    switch configuration.positions {
    case .rotary: return nil
    case .sinusoidal: return sinusoids(placeCount: configuration.positionCount, width: width)
    case .learned: break
    }
    guard let name = names.positions else { preconditionFailure("names of learned positions") }
    let stored = try checkpoint.matrix(name, configuration.positionCount, width)
    guard let typeName = names.tokenTypes else { return stored }
    // Every text is the first of a pair.
    let types = try checkpoint.matrix(typeName, firstRows: 1, width)
    let positions = Matrix(rowCount: stored.rowCount, columnCount: width)
    positions.assign(stored)
    positions.add(toEveryRow: types)
    return positions
  }

  private static func projections(
    _ names: TextNames, width: Int, dimension: Int, in checkpoint: Checkpoint
  ) throws(EncoderError) -> (tokens: Linear, pooled: Linear)? {
    guard let name = names.projection else { return nil }
    let tokens = try checkpoint.linear(
      name, input: width, output: dimension, hasBias: names.hasProjectionBias)
    guard let pooled = names.pooledProjection, checkpoint.contains(pooled) else {
      return (tokens, tokens)
    }
    return (tokens, Linear(weight: try checkpoint.matrix(pooled, dimension, width), bias: nil))
  }
}
