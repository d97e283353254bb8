/// Cuts a normalised text into the stretches that become tokens each by itself.
struct PreTokenizer: Sendable {
  /// One step; each works on what the one before it left.
  enum Step: Sendable {
    /// The words of CLIP; nothing else is left.
    case clipWords(WordSplitter)
    /// A space before a stretch that does not begin with one.
    case prefixSpace
    /// The words of GPT-2, with the space before them.
    case gpt2Words
    /// The words and punctuation of BERT.
    case bertWords
    /// What stands between white space.
    case whitespace
    /// Spaces end stretches.
    case spaceAsSuffix
    /// Spaces become a visible sign, which begins stretches.
    case metaspace(Metaspace)
  }

  /// How spaces become signs.
  struct Metaspace: Sendable {
    /// When a sign is put before a stretch that has none.
    enum Prefix: Sendable {
      /// Before every stretch.
      case always
      /// Before the stretch at the start of the text.
      case first
      /// Before none.
      case never
    }

    /// What stands for a space, `▁` as a rule.
    var sign: Unicode.Scalar
    /// When one is added.
    var prefix: Prefix
    /// Whether each sign begins a stretch of its own.
    var splits: Bool
  }

  /// The steps in order.
  var steps: [Step]

  /// The stretches of a piece of text that starts at byte `start` of the original.
  func stretches(of scalars: [SourceScalar], from start: Int) -> [ArraySlice<SourceScalar>] {
    var stretches = scalars.isEmpty ? [] : [scalars[...]]
    var isWhole = true
    for step in steps {
      stretches = stretches.flatMap { stretch in
        Self.apply(step, to: stretch, isAtStart: (isWhole ? start : stretch.first?.start) == 0)
          .filter { !$0.isEmpty }
      }
      isWhole = false
    }
    return stretches
  }

  private static func apply(
    _ step: Step, to stretch: ArraySlice<SourceScalar>, isAtStart: Bool
  ) -> [ArraySlice<SourceScalar>] {
    switch step {
    case .clipWords(let splitter):
      let scalars = Array(stretch)
      return splitter.words(in: scalars).map { scalars[$0] }
    case .prefixSpace:
      guard let first = stretch.first, first.scalar != " " else { return [stretch] }
      return [([SourceScalar(scalar: " ", start: first.start, end: first.start)] + stretch)[...]]
    case .gpt2Words: return gpt2Words(in: stretch)
    case .bertWords:
      return stretch.split { $0.scalar.isReferenceSpace }.flatMap(separatePunctuation)
    case .whitespace: return stretch.split { $0.scalar.isReferenceSpace }
    case .spaceAsSuffix: return cut(stretch) { $0 == " " }
    case .metaspace(let metaspace): return apply(metaspace, to: stretch, isAtStart: isAtStart)
    }
  }

  /// Cuts after each scalar that ends a part.
  private static func cut(
    _ stretch: ArraySlice<SourceScalar>, endsPart: (Unicode.Scalar) -> Bool
  ) -> [ArraySlice<SourceScalar>] {
    var parts: [ArraySlice<SourceScalar>] = []
    var start = stretch.startIndex
    for index in stretch.indices where endsPart(stretch[index].scalar) {
      parts.append(stretch[start...index])
      start = index + 1
    }
    return parts + [stretch[start...]]
  }

  private static func separatePunctuation(
    _ word: ArraySlice<SourceScalar>
  ) -> [ArraySlice<SourceScalar>] {
    var parts: [ArraySlice<SourceScalar>] = []
    var start = word.startIndex
    for index in word.indices where word[index].scalar.isReferencePunctuation {
      parts += [word[start..<index], word[index...index]]
      start = index + 1
    }
    return parts + [word[start...]]
  }

  private static func apply(
    _ metaspace: Metaspace, to stretch: ArraySlice<SourceScalar>, isAtStart: Bool
  ) -> [ArraySlice<SourceScalar>] {
    let sign = metaspace.sign
    var scalars = stretch.map { element in
      element.scalar == " "
        ? SourceScalar(scalar: sign, start: element.start, end: element.end) : element
    }
    let isPrefixed =
      switch metaspace.prefix {
      case .always: true
      case .first: isAtStart
      case .never: false
      }
    if isPrefixed, let first = scalars.first, first.scalar != sign {
      scalars.insert(SourceScalar(scalar: sign, start: first.start, end: first.start), at: 0)
    }
    guard metaspace.splits else { return [scalars[...]] }
    var parts: [ArraySlice<SourceScalar>] = []
    var start = 0
    for index in scalars.indices where scalars[index].scalar == sign {
      parts.append(scalars[start..<index])
      start = index
    }
    return parts + [scalars[start...]]
  }

  // MARK: - GPT-2

  /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
  private static func gpt2Words(
    in stretch: ArraySlice<SourceScalar>
  ) -> [ArraySlice<SourceScalar>] {
    let scalars = Array(stretch)
    var parts: [ArraySlice<SourceScalar>] = []
    var position = 0
    while position < scalars.count {
      let start = position
      if let length = WordSplitter.contractionLength(in: scalars, at: position) {
        position += length
      } else {
        let hasSpace = scalars[start].scalar == " " && start + 1 < scalars.count
        let first = hasSpace && scalars[start + 1].scalar.kind != .space ? start + 1 : start
        let kind = scalars[first].scalar.kind
        position = first + 1
        while position < scalars.count, scalars[position].scalar.kind == kind { position += 1 }
        // The last of several spaces belongs to what follows it.
        if kind == .space, position < scalars.count, position - start > 1 { position -= 1 }
      }
      parts.append(scalars[start..<position])
    }
    return parts
  }
}
