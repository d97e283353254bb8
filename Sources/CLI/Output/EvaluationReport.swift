import FilipEncoders
import FilipLateInteraction
import FilipQuery

/// What `filip eval` found out: tables in Markdown, or one document.
struct EvaluationReport {
  var summary = EvaluationSummary()
  /// The model that encoded the queries; `nil` where runs were compared.
  var model: String?
  var documentCount: Int?
  var missingCount = 0
  var groundings: [Grounding] = []
  /// Hybrids that were fitted, with the shares of tokens of both halves of the queries.
  var fittedWeights: [(scorer: String, weights: [Double])] = []

  // MARK: - For a person

  var text: String {
    var lines: [String] = []
    for section in summary.sections {
      lines.append(
        "\(section.title): \(countText(section.queryCount)) queries\(documents(section))")
      lines.append("")
      lines += table(section)
      lines.append("")
    }
    for fitted in fittedWeights {
      let shares = fitted.weights.map { decimal($0, digits: 2) }.joined(separator: " and ")
      lines.append("\(fitted.scorer): share of the tokens \(shares), each fitted to the other half")
    }
    if !groundings.isEmpty {
      let (points, overlap, half) = groundingEstimates
      lines.append(
        "grounding: \(countText(groundings.count)) objects; pointing game \(percent(points)), "
          + "IoU \(percent(overlap)), at least 0.5: \(percent(half))")
    }
    return lines.joined(separator: "\n") + (lines.last == "" ? "" : "\n")
  }

  private func documents(_ section: EvaluationSummary.Section) -> String {
    documentCount.map { ", \(countText($0)) documents" } ?? ""
  }

  private func table(_ section: EvaluationSummary.Section) -> [String] {
    let compares = section.rows.count > 1
    var cells = [["scorer"] + summary.measures.map(\.name) + (compares ? ["p"] : [])]
    for row in section.rows {
      var line = [row.scorer] + row.estimates.map(percent)
      if compares { line.append(pValue(row)) }
      cells.append(line)
    }
    let widths = cells[0].indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    func line(_ row: [String]) -> String {
      let padded = row.enumerated().map { column, cell in
        let gap = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + gap : gap + cell
      }
      return "| " + padded.joined(separator: " | ") + " |"
    }
    let rule = widths.enumerated().map { column, width in
      column == 0
        ? String(repeating: "-", count: width) : String(repeating: "-", count: width - 1) + ":"
    }
    return [line(cells[0]), line(rule)] + cells.dropFirst().map(line)
  }

  private func pValue(_ row: EvaluationSummary.Row) -> String {
    guard let place = summary.measures.firstIndex(of: .normalizedGain(at: 10)),
      place < row.comparisons.count
    else { return "" }
    return decimal(row.comparisons[place].pValue, digits: 4)
  }

  private func percent(_ estimate: MeanEstimate) -> String {
    decimal(100 * estimate.mean, digits: 1) + " ±" + decimal(100 * estimate.reach, digits: 1)
  }

  private var groundingEstimates: (MeanEstimate, MeanEstimate, MeanEstimate) {
    (
      MeanEstimate(bootstrapping: groundings.map { $0.pointsInside ? 1 : 0 }),
      MeanEstimate(bootstrapping: groundings.map(\.overlap)),
      MeanEstimate(bootstrapping: groundings.map { $0.overlap >= 0.5 ? 1 : 0 })
    )
  }

  // MARK: - For a program

  var document: JSONValue {
    let (points, overlap, half) = groundingEstimates
    return .members([
      "schema": .string("filip.eval/1"),
      "program": .string(filipVersion),
      "model": model.map(JSONValue.string),
      "documents": documentCount.map(JSONValue.count),
      "missing": documentCount.map { _ in .count(missingCount) },
      "sections": .array(summary.sections.map(sectionJSON)),
      "fitted": fittedWeights.isEmpty
        ? nil
        : .array(
          fittedWeights.map {
            .members([
              "scorer": .string($0.scorer), "weights": .array($0.weights.map(JSONValue.double)),
            ])
          }),
      "grounding": groundings.isEmpty
        ? nil
        : .members([
          "objects": .count(groundings.count), "pointing": estimateJSON(points),
          "iou": estimateJSON(overlap), "iou_at_least_half": estimateJSON(half),
        ]),
    ])
  }

  private func sectionJSON(_ section: EvaluationSummary.Section) -> JSONValue {
    .members([
      "title": .string(section.title), "queries": .count(section.queryCount),
      "rows": .array(
        section.rows.map { row in
          var measures = JSONObject()
          for (index, measure) in summary.measures.enumerated() {
            _ = measures.append(
              measure.name,
              estimateJSON(
                row.estimates[index],
                row.comparisons.isEmpty ? nil : row.comparisons[index]))
          }
          return .members(["scorer": .string(row.scorer), "measures": .object(measures)])
        }),
    ])
  }

  private func estimateJSON(
    _ estimate: MeanEstimate, _ comparison: PairedComparison? = nil
  ) -> JSONValue {
    .members([
      "mean": .double(estimate.mean),
      "interval": .array([
        .double(estimate.interval.lowerBound), .double(estimate.interval.upperBound),
      ]),
      "less_first": comparison.map { .double($0.difference.mean) },
      "less_first_interval": comparison.map {
        .array([
          .double($0.difference.interval.lowerBound), .double($0.difference.interval.upperBound),
        ])
      },
      "p": comparison.map { .double($0.pValue) },
    ])
  }
}
