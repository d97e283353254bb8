import ArgumentParser
import FilipEncoders
import FilipLateInteraction
import FilipQuery
import FilipStore
import SystemPackage

struct EvalCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Measure how well an index is searched, on a labelled set.",
    discussion: """
      Every query of the set is scored with every document of it that the index holds, by each \
      scorer; no candidates are chosen. Documents are found in the index by their path, by its last \
      parts, or by the file's name with or without extension; texts by their id.

      SET is one of: a folder with captions.json and queries.json, as Examples/gallery; a BEIR \
      folder (corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv); Karpathy's dataset_coco.json or \
      dataset_flickr30k.json; a file with image<TAB>caption in each line, where a label that many \
      images share makes image → text R@1 and R@5 the zero-shot accuracies; and, with --qrels, TREC \
      topics or id<TAB>text in each line, over all of the index.

      R@k is CLIP's: the share of queries with at least one right document among the first k. nDCG, \
      MRR (recip_rank) and mAP are trec_eval's; of equal scores the later name comes first, as \
      there. After ± stands half of the 95 % interval of a bootstrap over queries. p is that of a \
      paired randomisation test of nDCG@10 against the first scorer, two-sided, 10 000 swaps. Seeds \
      are fixed. Where boxes are known, the pointing game asks whether the patch that all words \
      match best on average lies within half a patch of the object.

      With --compare, two TREC runs are measured and compared; no index is needed.
      """)

  @Argument(help: ArgumentHelp("The labelled set.", valueName: "set"))
  var set: String?

  @Option(
    help: ArgumentHelp(
      "Scorers to compare, separated by commas. Default: filip,global.",
      discussion: ScorerSpecification.help + ".", valueName: "list"))
  var scorers: String = "filip,global"

  @Option(help: ArgumentHelp("Which part of the set. Default: test.", valueName: "name"))
  var split = "test"

  @Option(help: ArgumentHelp("TREC judgements (qrels) for topics or runs.", valueName: "file"))
  var qrels: String?

  @Flag(help: "Also tell small objects from large ones, where the set says how large they are.")
  var bySize = false

  @Option(
    help: ArgumentHelp(
      "Write what was found as a TREC run, 1 000 documents a query.",
      discussion: "With several scorers, each one's name comes before the extension.",
      valueName: "file"))
  var run: String?

  @Option(
    help: ArgumentHelp("Write the set's judgements as TREC qrels, for --run.", valueName: "file"))
  var writeQrels: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Measure TREC runs against --qrels instead.", valueName: "run"))
  var compare: [String] = []

  @Flag(help: "Write one JSON document.")
  var json = false

  @OptionGroup(title: "Index and model") var indexOptions: IndexOptions
  @OptionGroup(title: "Index and model") var modelOptions: ModelOptions
  @OptionGroup(title: "Engine") var computing: ComputeOptions
  @OptionGroup(title: "Engine") var threads: ThreadOptions
  @OptionGroup(title: "Output") var messages: MessageOptions

  func validate() throws {
    if compare.isEmpty {
      if set == nil { throw ValidationError("name a labelled set: filip eval Examples/gallery") }
      do throws(ScorerError) {
        _ = try ScorerSpecification.list(parsing: scorers)
      } catch {
        throw ValidationError("--scorers: \(error)")
      }
    } else {
      if set != nil { throw ValidationError("--compare takes runs; leave out the set") }
      if qrels == nil { throw ValidationError("--compare needs the judgements: --qrels FILE") }
    }
  }

  func run() async throws {
    let report = try await compare.isEmpty ? evaluate() : compareRuns()
    var output = StandardOutput()
    output.write(json ? report.document.text + "\n" : report.text)
    try output.flush()
  }

  private func compareRuns() throws -> EvaluationReport {
    let judgements = try Judgements(reading: argumentPath(qrels ?? ""))
    let queries = judgements.grades.keys.sorted()
    var systems: [(scorer: String, rankings: [JudgedRanking])] = []
    for file in compare {
      let run = try RetrievalRun(reading: argumentPath(file))
      let rankings = queries.compactMap { query in
        judgements.judged((run.rankings[query] ?? []).map(\.document), for: query)
      }
      systems.append((argumentPath(file).lastComponent?.string ?? file, rankings))
    }
    var report = EvaluationReport()
    report.summary.add("runs", systems: systems)
    return report
  }

  private func evaluate() async throws -> EvaluationReport {
    let set = try LabelledSet.read(
      argumentPath(set ?? ""), split: split, judgements: qrels.map(argumentPath))
    let store = try indexOptions.open(.readOnly)
    let model = try IndexModel(
      for: store, requested: modelOptions.model, fallback: environment("FILIP_MODEL"))
    messages.noteDomain(of: model)
    let encoder = try computing.textEncoder(of: model)
    var evaluator = try Evaluator(
      store: store, scorers: try ScorerSpecification.list(parsing: scorers)
    ) { try encoder.encode($0) }
    evaluator.threadCount = threads.count
    let evaluation = try await evaluator.run(on: set)
    if !evaluation.missing.isEmpty {
      messages.note(
        "\(countText(evaluation.missing.count)) of the set's \(countText(set.documents.count)) "
          + "documents are not in the index, such as \(evaluation.missing[0]); they count as not found"
      )
    }
    try writeRuns(of: evaluation)
    var report = EvaluationReport()
    report.model = model.label
    report.documentCount = evaluation.documents.count
    report.missingCount = evaluation.missing.count
    report.groundings = evaluation.groundings
    report.fittedWeights = evaluation.scorers.indices.compactMap { index in
      evaluation.fittedWeights[index].map { (evaluation.scorers[index].description, $0) }
    }
    report.summary = evaluation.summary(bySize: bySize)
    return report
  }

  private func writeRuns(of evaluation: Evaluation) throws {
    if let run {
      for (index, scorer) in evaluation.scorers.enumerated() {
        var path = argumentPath(run)
        if evaluation.scorers.count > 1, let name = path.lastComponent {
          let parts = [
            name.stem, scorer.description.replacing("/", with: "-"), name.extension ?? "trec",
          ]
          path.removeLastComponent()
          path.append(parts.joined(separator: "."))
        }
        try write(evaluation.run(of: index).text(), to: path)
      }
    }
    if let writeQrels { try write(evaluation.judgements().text, to: argumentPath(writeQrels)) }
  }

  private func write(_ text: String, to path: FilePath) throws {
    do {
      try path.write(Array(text.utf8))
    } catch {
      throw OutputError(description: "cannot write \(path): \(error)", status: .outputError)
    }
  }
}
