/// What is wrong with a preprocessor configuration.
public struct PreprocessorConfigurationError: Error, Equatable, CustomStringConvertible {
  /// What is wrong, in one line, without the file's name.
  public let message: String

  init(_ message: String) { self.message = message }

  /// The message.
  public var description: String { message }
}

extension PreprocessorConfiguration {
  /// Reads the content of a `preprocessor_config.json`.
  ///
  /// Keys that do not concern pixels are passed over. A class of processors that we do not know is
  /// accepted when the file leaves nothing to its defaults. With `member`, the object under that key
  /// counts instead of the whole file: a `processor_config.json` has it under `image_processor`.
  /// - Throws: `PreprocessorConfigurationError` when it is not JSON, asks for what is not
  ///   implemented, or holds values that make no sense: sizes outside 1 to 16384, a deviation of
  ///   zero, numbers that are not finite.
  public init(
    json bytes: [UInt8], member: String? = nil
  ) throws(PreprocessorConfigurationError) {
    guard bytes.count <= 1 << 20 else {
      throw PreprocessorConfigurationError("the file is larger than 1 MiB")
    }
    let file: JSONValue
    do {
      file = try JSONValue(parsing: bytes)
    } catch {
      throw PreprocessorConfigurationError("it is not JSON: \(error)")
    }
    guard file.object != nil else {
      throw PreprocessorConfigurationError("it is not a JSON object")
    }
    let root = member.map { file[$0] } ?? file
    guard let root, root.object != nil else {
      throw PreprocessorConfigurationError("it has no object \(member ?? "")")
    }
    let fields = Fields(root: root)
    let family = try Family(fields)
    self = family.defaults
    if case .patches = resizing {
      try readPatches(fields)
    } else if case .page = resizing {
      try readPage(fields)
    } else {
      try readResizing(fields, squareByDefault: family.isSquare)
      try readCrop(fields)
    }
    try readSamples(fields, normalizesByDefault: family.normalizes)
  }

  private mutating func readResizing(
    _ fields: Fields, squareByDefault: Bool
  ) throws(PreprocessorConfigurationError) {
    if let value = fields["size"] {
      if let side = value.integer {
        let side = try Fields.side(side, "size")
        resizing = squareByDefault ? .exact(width: side, height: side) : .shorterSide(side)
      } else if let size = try Fields.size(value, "size") {
        resizing = .exact(width: size.width, height: size.height)
      } else if let side = value["shortest_edge"]?.integer, value["longest_edge"] == nil {
        resizing = .shorterSide(try Fields.side(side, "size.shortest_edge"))
      } else {
        throw PreprocessorConfigurationError(
          "size is none of a number, {height, width} and {shortest_edge}")
      }
    }
    if try fields.flag("do_resize") == false { resizing = .none }
    try readFilter(fields)
  }

  /// Reads what makes pictures of whole patches; `size` means nothing then.
  private mutating func readPatches(
    _ fields: Fields
  ) throws(PreprocessorConfigurationError) {
    guard case .patches(var side, var counts) = resizing else { return }
    if let value = fields["patch_size"] {
      side = try Fields.count(value, "patch_size", in: 1...ConfigurationLimit.imageSize)
    }
    let isDynamic = try fields.flag("dynamic_max_patches") ?? (counts.count > 1)
    if !isDynamic, let value = fields["max_num_patches"] {
      counts = [
        try Fields.count(value, "max_num_patches", in: 1...ConfigurationLimit.patches)
      ]
    }
    guard try fields.flag("do_resize") != false else {
      throw PreprocessorConfigurationError("do_resize is false, but patches must be whole")
    }
    resizing = .patches(side: side, maximumCounts: counts)
    try readFilter(fields)
  }

  /// Reads what makes pages: `size` is that of the whole picture, `max_image_size` that of a part.
  private mutating func readPage(_ fields: Fields) throws(PreprocessorConfigurationError) {
    guard case .page(var side, var longestSide, var isCut) = resizing else { return }
    if let length = try fields.longestEdge("max_image_size") { side = length }
    if let length = try fields.longestEdge("size") { longestSide = length }
    isCut = try fields.flag("do_image_splitting") ?? isCut
    guard try fields.flag("do_resize") != false else {
      throw PreprocessorConfigurationError("do_resize is false, but parts must be whole")
    }
    resizing = .page(side: side, longestSide: longestSide, isCut: isCut)
    try readFilter(fields)
  }

  private mutating func readFilter(_ fields: Fields) throws(PreprocessorConfigurationError) {
    guard let value = fields["resample"] else { return }
    guard let code = value.integer, let filter = ResamplingFilter(rawValue: Int(code)) else {
      throw PreprocessorConfigurationError(
        "resample is none of 1 (Lanczos), 2 (bilinear) and 3 (bicubic)")
    }
    self.filter = filter
  }

  private mutating func readCrop(_ fields: Fields) throws(PreprocessorConfigurationError) {
    guard try fields.flag("do_center_crop") ?? (centerCrop != nil) else {
      centerCrop = nil
      return
    }
    if let value = fields["crop_size"] {
      if let side = value.integer {
        let side = try Fields.side(side, "crop_size")
        centerCrop = Size(width: side, height: side)
      } else if let size = try Fields.size(value, "crop_size") {
        centerCrop = size
      } else {
        throw PreprocessorConfigurationError("crop_size is neither a number nor {height, width}")
      }
    }
    guard centerCrop != nil else {
      throw PreprocessorConfigurationError("do_center_crop is set, but there is no crop_size")
    }
  }

  private mutating func readSamples(
    _ fields: Fields, normalizesByDefault: Bool
  ) throws(PreprocessorConfigurationError) {
    if let value = fields["rescale_factor"] {
      _ = try Fields.finite(value, "rescale_factor")
      rescaleFactor = value.double
    }
    if try fields.flag("do_rescale") == false { rescaleFactor = nil }
    if let mean = try fields.channels("image_mean") { self.mean = mean }
    if let deviation = try fields.channels("image_std") {
      guard deviation.allSatisfy({ abs($0) >= .leastNormalMagnitude }) else {
        throw PreprocessorConfigurationError("image_std holds a zero")
      }
      standardDeviation = deviation
    }
    if try !(fields.flag("do_normalize") ?? normalizesByDefault) {
      (mean, standardDeviation) = ([0, 0, 0], [1, 1, 1])
    }
    // All parts of a page have one size, so that nothing is filled up.
    if case .page = resizing { return }
    if try fields.flag("do_pad") == true {
      throw PreprocessorConfigurationError("do_pad is not supported")
    }
  }
}

/// Processor classes whose defaults we know.
private struct Family {
  var defaults = PreprocessorConfiguration()
  /// Whether `"size": 224` means a square, not the shorter side.
  var isSquare = false
  /// Whether means are subtracted unless the file says otherwise.
  var normalizes = true

  init(_ fields: Fields) throws(PreprocessorConfigurationError) {
    let key = ["image_processor_type", "feature_extractor_type"].first { fields[$0] != nil }
    guard let key else { return }
    guard var name = fields[key]?.string else {
      throw PreprocessorConfigurationError("\(key) is not a text")
    }
    for ending in ["Fast", "Pil", "ImageProcessor", "FeatureExtractor"] where name.hasSuffix(ending)
    {
      name.removeLast(ending.count)
    }
    let half: [Float] = [0.5, 0.5, 0.5]
    switch name {
    case "CLIP", "ChineseCLIP": return
    case "Siglip", "ViT":
      isSquare = true
      defaults.resizing = .exact(width: 224, height: 224)
      defaults.filter = name == "ViT" ? .bilinear : .bicubic
      defaults.centerCrop = nil
      (defaults.mean, defaults.standardDeviation) = (half, half)
    case "Siglip2":
      defaults = .patches(maximumCounts: [256])
    case "Fgclip2": defaults = .fgclip
    case "Idefics3": defaults = .idefics
    case "Tipsv2":
      isSquare = true
      normalizes = false
      defaults = .tips(side: 448)
    case "Blip":
      isSquare = true
      defaults.resizing = .exact(width: 384, height: 384)
      defaults.centerCrop = nil
    default:
      defaults.centerCrop = nil
      let needed = ["size", "resample", "image_mean", "image_std"]
      let missing = needed.filter { fields[$0] == nil }
      guard missing.isEmpty else {
        throw PreprocessorConfigurationError(
          "the defaults of \(name) are not known, and \(missing.joined(separator: ", ")) missing")
      }
      guard fields["size"]?.object != nil else {
        throw PreprocessorConfigurationError(
          "what one number as size means to \(name) is not known")
      }
    }
  }
}

/// Members of the configuration, with their types checked. `null` counts as absent.
private struct Fields {
  let root: JSONValue

  subscript(key: String) -> JSONValue? {
    guard let value = root[key], !value.isNull else { return nil }
    return value
  }

  func flag(_ key: String) throws(PreprocessorConfigurationError) -> Bool? {
    guard let value = self[key] else { return nil }
    guard let flag = value.bool else {
      throw PreprocessorConfigurationError("\(key) is neither true nor false")
    }
    return flag
  }

  /// Three numbers, or one for all three.
  func channels(_ key: String) throws(PreprocessorConfigurationError) -> [Float]? {
    guard let value = self[key] else { return nil }
    guard let array = value.array else {
      return Array(repeating: try Self.finite(value, key), count: 3)
    }
    guard array.count == 3 else {
      throw PreprocessorConfigurationError("\(key) does not have three numbers")
    }
    return try array.map { (number) throws(PreprocessorConfigurationError) in
      try Self.finite(number, key)
    }
  }

  static func finite(
    _ value: JSONValue, _ key: String
  ) throws(PreprocessorConfigurationError) -> Float {
    guard let number = value.double, Float(number).isFinite else {
      throw PreprocessorConfigurationError("\(key) is not a finite number")
    }
    return Float(number)
  }

  static func count(
    _ value: JSONValue, _ key: String, in range: ClosedRange<Int>
  ) throws(PreprocessorConfigurationError) -> Int {
    guard let number = value.integer.flatMap(Int.init(exactly:)), range.contains(number) else {
      throw PreprocessorConfigurationError(
        "\(key) is not a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// The number in `{longest_edge}` under `key`.
  func longestEdge(_ key: String) throws(PreprocessorConfigurationError) -> Int? {
    guard let value = self[key] else { return nil }
    guard let length = value["longest_edge"]?.integer else {
      throw PreprocessorConfigurationError("\(key) is not {longest_edge}")
    }
    return try Self.side(length, "\(key).longest_edge")
  }

  static func side(_ value: Int64, _ key: String) throws(PreprocessorConfigurationError) -> Int {
    guard (1...16384).contains(value) else {
      throw PreprocessorConfigurationError("\(key) is \(value), which is not within 1...16384")
    }
    return Int(value)
  }

  /// `{height, width}`, or `nil` when it is of another form.
  static func size(
    _ value: JSONValue, _ key: String
  ) throws(PreprocessorConfigurationError) -> PreprocessorConfiguration.Size? {
    guard let height = value["height"]?.integer, let width = value["width"]?.integer else {
      return nil
    }
    return PreprocessorConfiguration.Size(
      width: try side(width, "\(key).width"), height: try side(height, "\(key).height"))
  }
}
