/// How SentencePiece itself prepares a text, which is not quite how the `tokenizers` library does.
struct SentencePieceNormalization: Sendable {
  /// Replacements, longest match first.
  var charsMap: CharsMap?
  /// A space is put before the text.
  var addsPrefix: Bool
  /// Spaces at the ends fall away, several become one.
  var removesExtraSpaces: Bool
  /// Spaces become `▁`.
  var escapesSpaces: Bool
  /// Symbols of the user's, which nothing replaces.
  var userSymbols: [[Unicode.Scalar]] = []

  static let spaceSymbol: Unicode.Scalar = "\u{2581}"

  /// The normalised text.
  func normalize(_ scalars: [SourceScalar]) -> [SourceScalar] {
    let space: Unicode.Scalar = escapesSpaces ? Self.spaceSymbol : " "
    var result: [SourceScalar] = []
    result.reserveCapacity(scalars.count + 1)
    var position = 0
    if removesExtraSpaces {
      while position < scalars.count {
        let next = next(in: scalars, at: position)
        guard next.text == [" "] else { break }
        position += next.count
      }
    }
    guard position < scalars.count else { return [] }
    if addsPrefix {
      let start = scalars[position].start
      result.append(SourceScalar(scalar: space, start: start, end: start))
    }
    var followsSpace = removesExtraSpaces
    while position < scalars.count {
      let next = next(in: scalars, at: position)
      let start = scalars[position].start
      position += next.count
      let end = scalars[position - 1].end
      var text = next.text[...]
      if followsSpace { text = text.drop { $0 == " " } }
      for scalar in text {
        result.append(
          SourceScalar(scalar: scalar == " " ? space : scalar, start: start, end: end))
      }
      if let last = text.last { followsSpace = last == " " }
      if !removesExtraSpaces { followsSpace = false }
    }
    if removesExtraSpaces {
      while result.last?.scalar == space { result.removeLast() }
    }
    return result
  }

  /// What the scalars at `position` become, and how many they are.
  private func next(
    in scalars: [SourceScalar], at position: Int
  ) -> (count: Int, text: [Unicode.Scalar]) {
    let symbol = userSymbols.filter {
      scalars[position...].lazy.map(\.scalar).starts(with: $0)
    }.max { $0.count < $1.count }
    if let symbol { return (symbol.count, symbol) }
    if let match = charsMap?.longestMatch(in: scalars, at: position) {
      return (match.scalarCount, match.text)
    }
    return (1, [scalars[position].scalar])
  }
}

extension TextNormalizer {
  /// Applies a table as the `tokenizers` library does: to a whole grapheme cluster of less than six
  /// bytes if it has a replacement, else scalar by scalar.
  static func apply(_ map: CharsMap, to scalars: [SourceScalar]) -> [SourceScalar] {
    var text = String.UnicodeScalarView()
    for element in scalars { text.append(element.scalar) }
    var result: [SourceScalar] = []
    result.reserveCapacity(scalars.count)
    func append(_ replacement: [Unicode.Scalar], for part: ArraySlice<SourceScalar>) {
      let start = part[part.startIndex].start
      let end = part[part.endIndex - 1].end
      for scalar in replacement {
        result.append(SourceScalar(scalar: scalar, start: start, end: end))
      }
    }
    var position = 0
    for cluster in String(text) {
      let part = scalars[position..<position + cluster.unicodeScalars.count]
      position = part.endIndex
      if cluster.utf8.count < 6, let replacement = map.replacement(of: part) {
        append(replacement, for: part)
        continue
      }
      for index in part.indices {
        if let replacement = map.replacement(of: part[index...index]) {
          append(replacement, for: part[index...index])
        } else {
          result.append(part[index])
        }
      }
    }
    return result
  }
}
