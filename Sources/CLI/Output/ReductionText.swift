import FilipEncoders
import FilipLateInteraction
import FilipQuery

/// A reduction and what it costs, in one line: `--pool 2, recall@10 0.95 (0.93–0.97, estimated …)`.
func reductionText(_ reduction: TokenReduction) -> String {
  let setting = reduction.setting.description
  guard let recall = reduction.recall else {
    return setting + ", recall not measured yet (that takes a run with "
      + "\(ReductionRecall.minimumImageCount) new images)"
  }
  return setting + ", recall@\(ReductionRecall.depth) \(decimal(recall.value, digits: 2)) "
    + "(\(decimal(recall.lowerBound, digits: 2))–\(decimal(recall.upperBound, digits: 2)), "
    + "\(recall.queryCount) queries of \(ReductionRecall.querySource), "
    + "\(countText(recall.imageCount)) images)"
}

/// The same for a program; `nil` where nothing is reduced.
func reductionJSON(_ reduction: TokenReduction) -> JSONValue? {
  guard !reduction.isNone else { return nil }
  let recall = reduction.recall
  return .members([
    "pool": .count(reduction.setting.poolFactor),
    "dimension": reduction.setting.dimension.map(JSONValue.count),
    "recall": recall.map { .score(Float($0.value)) } ?? .null,
    "interval": recall.map {
      .array([.score(Float($0.lowerBound)), .score(Float($0.upperBound))])
    },
    "depth": recall.map { _ in .count(ReductionRecall.depth) },
    "queries": recall.map { .count($0.queryCount) },
    "query_source": recall.map { _ in .string(ReductionRecall.querySource) },
    "images": recall.map { .count($0.imageCount) },
  ])
}
