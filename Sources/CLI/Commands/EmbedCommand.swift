import ArgumentParser
import FilipEncoders
import FilipLateInteraction
import FilipQuery
import SystemPackage

struct EmbedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embed",
    abstract: "Write the tokens of images or texts to a safetensors file.",
    discussion: """
      The file holds "embeddings" (sum of tokens, d) f32, rows L2-normalised; "lengths" (N) int64, \
      the tokens of each item; and "pooled" (N, d) f32. Beside it FILE.jsonl names the items in \
      order. Files that cannot be read are left out and listed. filip import reads both files.

      Exit status: 0, or 2 when something was left out.
      """)

  @Argument(help: ArgumentHelp("Image files.", valueName: "file"))
  var files: [String] = []

  @Option(
    name: .long, parsing: .singleValue,
    help: ArgumentHelp("A text instead of image files; may be repeated.", valueName: "text"))
  var text: [String] = []

  @Option(name: [.short, .long], help: ArgumentHelp("Where to write.", valueName: "file"))
  var output: String

  @Option(help: ArgumentHelp("Which vectors become an image's tokens.", valueName: "mode"))
  var tokenMode: TokenMode?

  @OptionGroup(title: "Model") var modelOptions: ModelOptions
  @OptionGroup(title: "Engine") var computing: ComputeOptions
  @OptionGroup(title: "Engine") var decoding: DecodingOptions
  @OptionGroup(title: "Output") var messages: MessageOptions

  func validate() throws {
    if files.isEmpty == text.isEmpty {
      throw ValidationError("name image files, or texts with --text; not both")
    }
  }

  func run() throws {
    let model = try IndexModel(
      for: nil, requested: modelOptions.model, fallback: environment("FILIP_MODEL"),
      tokenMode: tokenMode)
    var items = EmbeddedItems()
    var failureCount = 0
    if files.isEmpty {
      let encoder = try computing.textEncoder(of: model)
      for text in text {
        let encoded = try encoder.encode(text)
        items.append(
          encoded.tokens, pooled: encoded.pooled,
          name: .members([
            "text": .string(text),
            "terms": .array(
              encoded.terms.map {
                .members([
                  "text": .string($0.text),
                  "rows": .array([.count($0.rows.lowerBound), .count($0.rows.upperBound)]),
                ])
              }),
          ]))
      }
    } else {
      let pipeline = try computing.pipeline(of: model, limits: decoding.limits(threadCount: 1))
      for file in files {
        do {
          let (image, encoded) = try pipeline.encode(contentsOf: argumentPath(file))
          let patches = encoded.patchTokens.map { JSONValue.array($0.map { .count(Int($0)) }) }
          items.append(
            encoded.tokens, pooled: encoded.pooled,
            name: .members([
              "path": .string(file), "width": .count(image.width), "height": .count(image.height),
              "grid": .array(
                encoded.tiles.map {
                  .array([.count($0.grid.columnCount), .count($0.grid.rowCount)])
                }),
              "regions": .array(
                encoded.tiles.map {
                  .array(
                    [$0.region.x, $0.region.y, $0.region.width, $0.region.height]
                      .map(JSONValue.double))
                }),
              "patches": patches,
            ]))
        } catch {
          if error is EncoderError { throw error }
          failureCount += 1
          Messages.note("left out: \(file): \(error)")
        }
      }
    }
    let fingerprint =
      files.isEmpty ? model.directory.textFingerprint : model.imageFingerprint
    try items.write(to: output, fingerprint: fingerprint)
    messages.note("wrote \(items.count) items, \(items.tokenCount) tokens to \(output)")
    if failureCount > 0 { throw ExitStatus.softProblems.exit }
  }
}

/// Tokens of several items on their way to a file.
private struct EmbeddedItems {
  private var elements: [Float] = []
  private var lengths: [Int64] = []
  private var pooled: [Float] = []
  private var names: [JSONValue] = []
  private var dimension = 0

  var count: Int { lengths.count }
  var tokenCount: Int { lengths.reduce(0) { $0 + Int($1) } }

  mutating func append(_ tokens: TokenMatrix, pooled vector: [Float], name: JSONValue) {
    elements += tokens.elements
    lengths.append(Int64(tokens.tokenCount))
    pooled += vector
    names.append(name)
    dimension = tokens.dimension
  }

  func write(to path: String, fingerprint: String) throws {
    typealias Tensor = SafetensorsWriter.Tensor
    let writer = try SafetensorsWriter(
      path: path,
      tensors: [
        Tensor(name: "embeddings", elementType: .float32, shape: [tokenCount, dimension]),
        Tensor(name: "pooled", elementType: .float32, shape: [count, dimension]),
        Tensor(name: "lengths", elementType: .int64, shape: [count]),
      ], metadata: ["format": "filip.embed/1", "fingerprint": fingerprint])
    try writer.append(elements)
    try writer.append(pooled)
    try writer.append(lengths)
    try writer.finish()
    let lines = names.map { $0.text + "\n" }.joined()
    try FilePath(path + ".jsonl").write(Array(lines.utf8))
  }
}
