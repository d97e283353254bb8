import FilipEncoders
import FilipLateInteraction
import FilipQuery
import FilipStore

/// How hits are written to standard output.
enum HitFormat: String, CaseIterable {
  /// One line per hit with the score of every word; for a person.
  case human
  /// `score<TAB>path`, and behind it the box of a part; tab, newline and backslash of a path are
  /// escaped.
  case tsv
  /// Paths only.
  case paths
  /// One document.
  case json
  /// One hit per line, then a line with the summary.
  case jsonl
}

/// What is said of each word of a hit besides its score.
enum HitDetail {
  case none
  /// The box around what responds to it.
  case boxes
  /// That, and what it adds to the score.
  case explanation
}

/// Writes what a search found.
struct HitPrinter {
  var format: HitFormat
  /// Ends paths with a zero byte rather than a line end.
  var zeroTerminated: Bool
  var paths: PathText
  var style: Style
  /// What is said of each word besides its score.
  var detail = HitDetail.none
  /// Shows hits' pictures.
  var preview: TerminalPreview?
  /// `nil` when tokens were asked for and no model was needed.
  var model: IndexModel?

  func print(_ results: SearchResults, query: String) throws {
    var output = StandardOutput()
    let terminator: [UInt8] = zeroTerminated ? [0] : [UInt8(ascii: "\n")]
    switch format {
    case .human:
      for (hit, lines) in zip(results.hits, humanLines(results)) {
        for line in lines { output.write(line + "\n") }
        if let preview, let picture = marked(hit, side: preview.pictureSide) {
          output.write(try preview.text(of: picture))
        }
      }
    case .tsv:
      for hit in results.hits {
        let score = Array((decimal(Double(hit.score), digits: 4) + "\t").utf8)
        let box = hit.box.map { Array("\t\(regionText($0))".utf8) } ?? []
        let line = score + paths.field(hit.item.path ?? []) + box
        if detail == .none {
          output.write(bytes: line + terminator)
        } else {
          for fields in boxFields(hit) { output.write(bytes: line + fields + terminator) }
        }
      }
    case .paths:
      for hit in results.hits {
        output.write(bytes: paths.bytes(hit.item.path ?? []) + terminator)
      }
    case .json:
      output.write(
        document(results, query: query, hits: results.hits.map { hitJSON($0, results) }).text)
      output.write("\n")
    case .jsonl:
      for hit in results.hits {
        output.write(
          JSONValue.members(["type": .string("hit"), "data": hitJSON(hit, results)]).text)
        output.write("\n")
      }
      let summary = document(results, query: query, hits: nil)
      output.write(JSONValue.members(["type": .string("summary"), "data": summary]).text + "\n")
    }
    try output.flush()
  }

  // MARK: - For a person

  /// The lines of each hit.
  private func humanLines(_ results: SearchResults) -> [[String]] {
    let names = results.hits.map { paths.line($0.item.path ?? []) }
    let width = min(48, names.map(\.count).max() ?? 0)
    let rankWidth = max(2, String(results.hits.count).count)
    return zip(results.hits, names).map { hit, name in
      let rank = String(hit.rank)
      let padding = String(repeating: " ", count: rankWidth - rank.count)
      let gap = String(repeating: " ", count: max(0, width - name.count))
      let words = hit.matches.map { match in
        var text = "\(results.terms[match.term].text) \(decimal(Double(match.score), digits: 2))"
        if let word = matchedWord(match, hit.item) { text += " (\(word))" }
        if detail == .boxes, let region = hit.explanation?.parts[match.term].region {
          text += " [\(regionText(region))]"
        }
        return isWeak(match, in: results) ? style.dim(text) : style.green(text)
      }
      let score = style.bold(decimal(Double(hit.score), digits: 3))
      let box = hit.box.map { "  [\(regionText($0))]" } ?? ""
      let line =
        "\(padding)\(rank)  \(score)  \(name)\(gap)\(box)  \(words.joined(separator: "  "))"
      let indent = String(repeating: " ", count: rankWidth + 2)
      var lines = [line]
      if let document = TextDocument(hit.item) {
        let snippet = Snippet(of: document, matches: hit.matches)
        lines.append(indent + snippet.line { style.green($0) })
      }
      if detail == .explanation, let explanation = hit.explanation {
        let text = ExplanationText(explanation: explanation, style: style)
        lines += text.lines.map { indent + $0 }
      }
      return lines
    }
  }

  /// A hit's picture with its matches marked; `nil` where there is none any more.
  private func marked(_ hit: SearchHit, side: Int) -> DecodedImage? {
    guard let explanation = hit.explanation, let image = try? originalPicture(of: hit.item) else {
      return nil
    }
    return ExplanationPicture(explanation, image, side: side).marks().image
  }

  /// For each word, the fields behind a hit's path: the word, its score and its box.
  private func boxFields(_ hit: SearchHit) -> [[UInt8]] {
    (hit.explanation?.parts ?? []).map { part in
      let numbers =
        "\t" + decimal(Double(part.match.score), digits: 4) + "\t"
        + (part.region.map(regionText) ?? "")
      return [UInt8(ascii: "\t")] + escapedField(Array(part.term.text.utf8)) + Array(numbers.utf8)
    }
  }

  /// The word of a text that a word of the query matched.
  private func matchedWord(_ match: TermMatch, _ item: ItemRecord) -> String? {
    guard let span = match.span, let text = TextDocument(item)?.part(span) else { return nil }
    return paths.line(Array(text.utf8))
  }

  /// Whether a word matched clearly worse here than in the hit that shows it best.
  private func isWeak(_ match: TermMatch, in results: SearchResults) -> Bool {
    let best = results.hits.flatMap(\.matches).filter { $0.term == match.term }.map(\.score).max()
    return match.score < 0.75 * (best ?? 0)
  }

  // MARK: - For a program

  private func document(
    _ results: SearchResults, query: String, hits: [JSONValue]?
  ) -> JSONValue {
    let unclear = Set(results.unclearTerms)
    let words = results.terms.enumerated().map { index, term in
      termJSON(term, index, isFound: term.background.map { _ in !unclear.contains(index) })
    }
    let without = results.exclusions.enumerated().map { termJSON($1, $0, isFound: nil) }
    return .members([
      "schema": .string("filip.search/1"),
      "query": .members([
        "text": .string(query), "words": .array(words),
        "combination": .string(results.combination.rawValue),
        "without": without.isEmpty ? nil : .array(without),
      ]),
      "model": model.map(modelJSON),
      "index": .members([
        "images": .count(results.imageCount), "scanned": .count(results.scannedCount),
        "generation": .integer(Int64(results.generation)),
      ]),
      "exact": .bool(results.proof.isExact),
      "candidates": results.proof.candidateCount.map(JSONValue.count),
      "recall_estimate": results.proof.isExact
        ? nil : results.proof.recall.map(recallJSON) ?? .null,
      "relative_to": .string(results.proof.relativeTo.rawValue),
      "rescored": .count(results.proof.rescoredCount),
      "refined": .count(results.proof.refinedCount),
      "reduction": reductionJSON(results.reduction),
      "took_ms": .double((results.duration / .microseconds(1)).rounded() / 1_000),
      "results": hits.map(JSONValue.array),
    ])
  }

  private func termJSON(_ term: ScoredTerm, _ index: Int, isFound: Bool?) -> JSONValue {
    .members([
      "i": .count(index), "text": .string(term.text),
      "span": term.sourceRange.map {
        .array([.count($0.lowerBound), .count($0.upperBound)])
      },
      "weight": .double(term.weight),
      "background": term.background.map { background in
        .members([
          "mean": .score(Float(background.mean)), "deviation": .score(Float(background.deviation)),
          "median": .score(Float(background.median)), "spread": .score(Float(background.spread)),
          "images": .count(background.imageCount),
        ])
      },
      "found": isFound.map(JSONValue.bool),
    ])
  }

  private func recallJSON(_ recall: RecallEstimate) -> JSONValue {
    .members([
      "k": .count(10), "value": .double(recall.value),
      "interval": .array([
        .double(recall.interval.lowerBound), .double(recall.interval.upperBound),
      ]),
      "n": .count(recall.queryCount), "query_source": .string(recall.querySource),
      "generation": .integer(Int64(recall.generation)),
    ])
  }

  private func hitJSON(_ hit: SearchHit, _ results: SearchResults) -> JSONValue {
    let item = hit.item
    var object = JSONObject()
    func add(_ key: String, _ value: JSONValue?) {
      if let value { _ = object.append(key, value) }
    }
    add("rank", .count(hit.rank))
    add("id", .integer(Int64(item.id.rawValue)))
    let path = paths.json(item.path ?? [])
    add(path.key, path.value)
    add("score", .score(hit.score))
    let best = results.hits[0].score
    add("relative", best > 0 ? .score(hit.score / best) : nil)
    add("width", .count(Int(item.width)))
    add("height", .count(Int(item.height)))
    add("format", item.format.map(JSONValue.string))
    add("size", item.fileSize > 0 ? .integer(Int64(clamping: item.fileSize)) : nil)
    object.appendDescription(of: item)
    add(
      "region",
      hit.box.map { .array([$0.x, $0.y, $0.width, $0.height].map(JSONValue.double)) })
    add("evidence", hit.evidence.map { .score(Float($0)) })
    let explanation = detail == .none ? nil : hit.explanation
    add("words", .array(hit.matches.map { matchJSON($0, hit, explanation?.parts[$0.term]) }))
    if detail == .explanation { add("rest", explanation.flatMap(restJSON)) }
    if !hit.exclusions.isEmpty {
      add(
        "without",
        .array(hit.exclusions.map { matchJSON($0, hit, explanation?.exclusions[$0.term]) }))
    }
    if let document = TextDocument(item) {
      add("document", .object(document.members))
    }
    return .object(object)
  }

  private func matchJSON(
    _ match: TermMatch, _ hit: SearchHit, _ part: Explanation.Part?
  ) -> JSONValue {
    let item = hit.item
    let isExplained = detail == .explanation
    return .members([
      "i": .count(match.term), "score": .score(match.score), "patch": patchJSON(match.patch, item),
      "box": boxJSON(match.region, item), "evidence": match.evidence.map { .score(Float($0)) },
      "region": part?.region.map(pixelsJSON),
      "contribution": isExplained ? part.map { .double($0.contribution) } : nil,
      "share": isExplained
        ? part.flatMap { hit.explanation?.share(of: $0.contribution) }.map(JSONValue.double) : nil,
      "match": match.span.flatMap { span in
        TextDocument(item)?.part(span).map { text in
          .members([
            "text": .string(text),
            "span": .array([.count(span.lowerBound), .count(span.upperBound)]),
          ])
        }
      },
    ])
  }

  /// `[column, row]` in the grid of the patch's tile.
  private func patchJSON(_ patch: Int, _ item: ItemRecord) -> JSONValue? {
    var first = 0
    for tile in item.tiles {
      if patch < first + tile.grid.patchCount {
        let (row, column) = (patch - first).quotientAndRemainder(dividingBy: tile.grid.columnCount)
        return .array([.count(column), .count(row)])
      }
      first += tile.grid.patchCount
    }
    return nil
  }

  /// `[x, y, width, height]`, 0…1 of the upright picture.
  private func boxJSON(_ region: PixelRegion, _ item: ItemRecord) -> JSONValue? {
    guard item.width > 0, item.height > 0 else { return nil }
    let (width, height) = (Double(item.width), Double(item.height))
    let numbers = [
      region.x / width, region.y / height, region.width / width, region.height / height,
    ]
    return .array(numbers.map { .score(Float($0)) })
  }
}
