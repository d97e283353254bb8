internal import FilipLinearAlgebra

/// A few learned tokens in place of an image's patches: the token reduction of Wukong (Gu et al.,
/// 2022, section 3.3 and the published code).
///
/// With X the projected patches, (patches, dimension), and N their layer norm:
///
///     P = softmax over the patches of (W₂ W₁ Nᵀ),   tokens = P (X W_fᵀ)
///
/// W₁ and W_f are block diagonal: they mix the dimensions of one group only.
struct LearnedTokens: Sendable {
  private let norm: LayerNorm
  /// W₂ W₁, (tokens, dimension): nothing stands between the two.
  private let maps: Matrix
  /// W_f, one row per output, columns those of its group, (dimension, dimension / groups).
  private let features: Matrix

  /// Number of tokens that an image becomes.
  var count: Int { maps.rowCount }

  /// Writes the tokens of one image to `tokens`, (count, dimension).
  ///
  /// - Returns: for each patch, the token that stands for it; see `owners`.
  func reduce(
    _ patches: Matrix, into tokens: Matrix, workspace: EncoderWorkspace
  ) -> [UInt32] {
    let dimension = patches.columnCount
    let normed = workspace.matrix(
      .normed, rowCount: patches.rowCount, columnCount: dimension)
    norm.apply(to: patches, into: normed)
    let shares = workspace.matrix(.scores, rowCount: count, columnCount: patches.rowCount)
    multiply(maps, transposed: normed, into: shares)
    shares.softmaxRows(scale: 1)
    let mixed = workspace.matrix(
      .context, rowCount: patches.rowCount, columnCount: dimension)
    for group in Self.groups(of: features) {
      multiply(
        patches.columns(group), transposed: features.rows(group), into: mixed.columns(group))
    }
    multiply(shares, mixed, into: tokens)
    return Self.owners(shares.elements, patchCount: patches.rowCount)
  }

  /// For each patch the token with the largest share in it, the first of equals.
  ///
  /// A token that is nowhere the largest gets the patch that it has the largest share in, of those
  /// whose token keeps another: so that every token lies somewhere in the picture, as long as there
  /// are patches enough. `shares` is (tokens, patches), row-major.
  static func owners(_ shares: [Float], patchCount: Int) -> [UInt32] {
    let tokenCount = patchCount == 0 ? 0 : shares.count / patchCount
    func share(_ token: Int, _ patch: Int) -> Float { shares[token * patchCount + patch] }
    var owners = [Int](repeating: 0, count: patchCount)
    var owned = [Int](repeating: 0, count: tokenCount)
    for patch in 0..<patchCount {
      for token in 1..<max(tokenCount, 1) where share(token, patch) > share(owners[patch], patch) {
        owners[patch] = token
      }
      owned[owners[patch]] += 1
    }
    for token in 0..<tokenCount where owned[token] == 0 {
      let free = (0..<patchCount).filter { owned[owners[$0]] > 1 }
      guard let patch = free.max(by: { share(token, $0) < share(token, $1) }) else { continue }
      owned[owners[patch]] -= 1
      owners[patch] = token
      owned[token] = 1
    }
    return owners.map { UInt32($0) }
  }

  /// The dimensions of each group of a block diagonal matrix that is stored without its zeros.
  private static func groups(of matrix: Matrix) -> [Range<Int>] {
    stride(from: 0, to: matrix.rowCount, by: matrix.columnCount).map {
      $0..<$0 + matrix.columnCount
    }
  }
}

extension LearnedTokens {
  /// Number of groups of dimensions, as in the published code.
  private static let groupCount = 8

  /// Reads the layer; `nil` when the checkpoint has none, as Wukong's models of all patches.
  ///
  /// - Throws: `.missingTensor`, `.wrongShape`, `.unsupportedElementType`.
  init?(
    _ names: LearnedTokensNames, dimension: Int, in checkpoint: Checkpoint
  ) throws(EncoderError) {
    guard let shape = checkpoint.shape(of: names.maps), let count = shape.first, count > 0 else {
      return nil
    }
    let groupWidth = dimension / Self.groupCount
    let gain = try checkpoint.matrix(names.norm.weight, dimension)
    let bias =
      checkpoint.contains(names.norm.bias)
      ? try checkpoint.matrix(names.norm.bias, dimension)
      : Matrix(rowCount: 1, columnCount: dimension)
    norm = LayerNorm(gain: gain, bias: bias, epsilon: 1e-5)
    let inner = try checkpoint.matrix(names.innerMaps, dimension, groupWidth, 1, 1)
    let outer = try checkpoint.matrix(names.maps, count, dimension, 1, 1)
    maps = Matrix(rowCount: count, columnCount: dimension)
    for group in Self.groups(of: inner) {
      multiply(outer.columns(group), inner.rows(group), into: maps.columns(group))
    }
    features = try checkpoint.matrix(names.features, dimension, groupWidth, 1, 1)
  }
}
