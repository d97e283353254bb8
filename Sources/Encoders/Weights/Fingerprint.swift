internal import CXXHash
internal import FilipLinearAlgebra

/// Collects what makes one model's vectors differ from another's, and hashes it (XXH3-128).
///
/// Values are written as `key=value` lines, so that the hash depends on neither the order nor the
/// form in which a configuration file lists them, nor on how weights are split over files.
struct Fingerprint {
  private var bytes: [UInt8] = []

  /// Bytes that are hashed at either end of a tensor.
  private static let edgeByteCount = 4096

  /// Adds a value.
  mutating func add(_ key: String, _ value: some CustomStringConvertible) {
    bytes += Array("\(key)=\(value)\n".utf8)
  }

  /// Adds the name, type, shape and both ends of each tensor that belongs to `part`.
  mutating func add(_ part: TowerPart, of checkpoint: Checkpoint) {
    for tensor in checkpoint.tensors(of: part) {
      add(tensor.name, "\(tensor.elementType) \(describe(shape: tensor.shape))")
      let (first, last) = tensor.edges(byteCount: Self.edgeByteCount)
      bytes += first + last
    }
  }

  /// The hash as 32 hexadecimal digits, the most significant first.
  var hexadecimal: String {
    // Safe because XXH3_128bits reads exactly `count` bytes.
    let hash = bytes.withUnsafeBytes { XXH3_128bits($0.baseAddress, $0.count) }
    return [hash.high64, hash.low64].map { half in
      let digits = String(half, radix: 16)
      return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }.joined()
  }
}

extension Fingerprint {
  /// Adds the blocks of a tower.
  mutating func add(_ tower: TransformerConfiguration) {
    add("width", tower.width)
    add("inner", tower.innerWidth)
    add("layers", tower.layerCount)
    add("heads", tower.headCount)
    add("activation", tower.activation.rawValue)
    add("epsilon", tower.normEpsilon.bitPattern)
    add("causal", tower.mask == .causal)
  }

  /// Adds rotary positions.
  mutating func add(_ key: String, _ rotation: TransformerConfiguration.Rotation) {
    let local = rotation.isLocal.map { $0 ? "l" : "g" }.joined()
    add(
      key,
      "\(rotation.globalBase.bitPattern) \(rotation.localBase.bitPattern) \(rotation.localReach) "
        + local)
  }

  /// Adds how one vector is made of a text.
  mutating func add(_ key: String, _ pooling: TextConfiguration.Pooling) {
    switch pooling {
    case .end: add(key, "end")
    case .first: add(key, "first")
    case .last: add(key, "last")
    case .mean: add(key, "mean")
    }
  }

  /// Adds how pictures become values.
  mutating func add(_ preprocessing: PreprocessorConfiguration) {
    switch preprocessing.resizing {
    case .none: add("resize", "none")
    case .shorterSide(let side): add("resize", "shorter \(side)")
    case .exact(let width, let height): add("resize", "\(width)x\(height)")
    case .patches(let side, let counts): add("resize", "patches \(side) \(counts)")
    case .page(let side, let longestSide, let isCut):
      add("resize", "page \(side)" + (isCut ? " \(longestSide)" : " from \(longestSide)"))
    }
    add("filter", preprocessing.filter.rawValue)
    add("crop", preprocessing.centerCrop.map { "\($0.width)x\($0.height)" } ?? "none")
    add("rescale", preprocessing.rescaleFactor?.bitPattern ?? 0)
    add("mean", preprocessing.mean.map { $0.bitPattern })
    add("deviation", preprocessing.standardDeviation.map { $0.bitPattern })
  }
}

extension Checkpoint {
  /// The tensors of floats that belong to `part`, by rising name.
  func tensors(of part: TowerPart) -> [TensorView] {
    tensors.filter { tensor in
      [.float32, .float16, .brainFloat16].contains(tensor.elementType)
        && part.prefixes.contains { tensor.name.hasPrefix($0) }
    }
  }
}
