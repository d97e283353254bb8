import FilipLateInteraction
import FilipQuery

/// An explanation as a table: a line for each part, for the rows of no part, for what must not be
/// there, and for the score that they add up to.
struct ExplanationText {
  var explanation: Explanation
  var style: Style

  /// The lines, without ends.
  var lines: [String] {
    let rows = [["", "weight", "score", "adds", "share", "evidence", "region x,y,w,h"]] + body
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.enumerated().map { number, row in
      let cells = row.enumerated().map { column, cell in
        let gap = String(repeating: " ", count: widths[column] - cell.count)
        // Words and regions stand at the left, numbers at the right.
        return column == 0 || column == row.count - 1 ? cell + gap : gap + cell
      }
      let line = cells.joined(separator: "  ").trimmingEnd
      return number == 0 ? style.dim(line) : number == rows.count - 1 ? style.bold(line) : line
    }
  }

  private var body: [[String]] {
    var rows = explanation.parts.map { row($0.term.text, $0) }
    if explanation.restCount > 0 {
      let name =
        explanation.restCount == 1 ? "1 more token" : "\(explanation.restCount) more tokens"
      rows.append(
        [name, "", "", signed(explanation.restContribution), share(explanation.restContribution)]
          + ["", ""])
    }
    rows += explanation.exclusions.map { row("without \($0.term.text)", $0) }
    rows.append(["score", "", "", decimal(explanation.score, digits: 3), "", "", ""])
    return rows
  }

  private func row(_ name: String, _ part: Explanation.Part) -> [String] {
    let weight = part.term.weight
    return [
      name, weight == 1 ? "" : "\(decimal(weight, digits: 2))",
      decimal(Double(part.match.score), digits: 3), signed(part.contribution),
      share(part.contribution), part.match.evidence.map { decimal($0, digits: 1) } ?? "",
      part.region.map(regionText) ?? "",
    ]
  }

  private func share(_ contribution: Double) -> String {
    explanation.share(of: contribution).map { "\(decimal(100 * $0, digits: 0)) %" } ?? ""
  }

  private func signed(_ value: Double) -> String {
    (value < 0 ? "" : "+") + decimal(value, digits: 3)
  }
}

/// A region as `--region` takes it: whole pixels, `x,y,w,h`.
func regionText(_ region: PixelRegion) -> String {
  let (left, top) = (region.x.rounded(), region.y.rounded())
  // Edges are rounded, not extents: the box must not reach beyond the picture.
  let width = max(1, (region.x + region.width).rounded() - left)
  let height = max(1, (region.y + region.height).rounded() - top)
  return [left, top, width, height].map { decimal($0, digits: 0) }.joined(separator: ",")
}

extension String {
  /// Without blanks at the end.
  fileprivate var trimmingEnd: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
