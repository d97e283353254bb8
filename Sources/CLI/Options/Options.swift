public import ArgumentParser
public import FilipEncoders
import FilipLateInteraction
import FilipQuery
public import FilipStore
import SystemPackage

/// Which index.
struct IndexOptions: ParsableArguments {
  @Option(
    name: .customLong("index"),
    help: ArgumentHelp(
      "The index to use.",
      discussion: "Default: $FILIP_INDEX, else filip/default under $XDG_DATA_HOME "
        + "(~/.local/share).",
      valueName: "dir"))
  var directory: String?

  @Flag(
    help: ArgumentHelp(
      "Use an index on a network file system; only one machine may ever open it."))
  var allowNetwork = false

  func validate() throws {
    if let directory, directory.isBlank { throw ValidationError("--index: the path is empty") }
  }

  /// What the index is opened in spite of.
  var storeOptions: TokenStore.Options { allowNetwork ? .allowsNetwork : [] }

  /// Opens the index.
  func open(_ mode: TokenStore.Mode) throws(StoreError) -> TokenStore {
    try TokenStore.open(
      at: path, mode: mode, program: "filip \(filipVersion)", options: storeOptions)
  }

  /// The folder of the index.
  var path: String {
    if let directory = directory ?? environment("FILIP_INDEX") { return directory }
    let data = environment("XDG_DATA_HOME") ?? (environment("HOME") ?? ".") + "/.local/share"
    return data + "/filip/default"
  }
}

/// What happens when somebody else writes to the index.
struct WritingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "While another program writes to the index, wait up to this long.",
      discussion: "Default: 0; exit at once with status 75.", valueName: "seconds"))
  var wait: Double?

  func validate() throws {
    if let wait, !(wait >= 0 && wait <= 1e9) {
      throw ValidationError("--wait: give a number of seconds, 0 or more")
    }
  }

  /// Calls `open`, which opens the index for writing, until nobody else writes or the time is over.
  func waiting<Store>(
    messages: MessageOptions, _ open: () throws -> Store
  ) async throws -> Store {
    let deadline = ContinuousClock.now + .seconds(wait ?? 0)
    var isAnnounced = false
    while true {
      do {
        return try open()
      } catch let error as StoreError {
        guard error.code == .busy, ContinuousClock.now < deadline else { throw error }
        if !isAnnounced { messages.note("waiting, for \(error.message)") }
        isAnnounced = true
      }
      try await Task.sleep(for: .milliseconds(200))
    }
  }
}

/// Which model.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The model: a checkpoint directory or weight file, org/name in the Hugging Face cache, or "
        + "the name of an installed model.",
      discussion: "Default: the index's model, else $FILIP_MODEL, else the bundled one.",
      valueName: "model"))
  var model: String?
}

/// How the model computes.
struct ComputeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How the model computes: f32, or int8 for about three times the speed and tokens that "
        + "differ a little.",
      discussion: "Images and queries may be computed in different ways. Weights in 8 bits are "
        + "kept under $XDG_CACHE_HOME/filip (~/.cache/filip). Default: f32.",
      valueName: "format"))
  var compute: ComputeFormat = .float32

  /// The text tower of a model.
  func textEncoder(of model: IndexModel) throws -> TextEncoder {
    try TextEncoder(model: model.directory, format: compute, cacheDirectory: cacheDirectory)
  }

  /// The way of images through a model.
  func pipeline(of model: IndexModel, limits: DecodingLimits) throws -> ImagePipeline {
    try ImagePipeline(
      model: model, limits: limits, format: compute, cacheDirectory: cacheDirectory)
  }

  /// Where weights that were made anew are kept; `nil` when there is no such place.
  private var cacheDirectory: String? {
    if let directory = environment("XDG_CACHE_HOME"), directory.hasPrefix("/") {
      return directory + "/filip"
    }
    return environment("HOME").map { $0 + "/.cache/filip" }
  }
}

/// How much of the tokens an index keeps.
struct ReductionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "For a new index: merge patches that look alike, one token for N patches on average.",
      discussion: "The index shrinks by as much, and a search finds most of what it would have "
        + "found; how much is measured and shown by filip status. Default: 1, none are merged.",
      valueName: "N"))
  var pool: Int?

  @Option(
    help: ArgumentHelp(
      "For a new index: keep D dimensions of every token, learnt from the index's first images.",
      discussion: "As --pool, and both together work. Nothing is saved before up to 1000 images "
        + "are encoded. Default: all of the model's.",
      valueName: "D"))
  var dimension: Int?

  func validate() throws {
    if let pool, !(1...1024).contains(pool) {
      throw ValidationError("--pool \(pool): give a number from 1 to 1024")
    }
    if let dimension, dimension < 1 {
      throw ValidationError("--dimension \(dimension): give 1 or more")
    }
  }

  /// What the flags ask for.
  var request: ReductionRequest { ReductionRequest(poolFactor: pool, dimension: dimension) }
}

/// How much is said.
struct MessageOptions: ParsableArguments {
  @Flag(name: [.short, .long], help: "Only results and errors; no progress, no notes.")
  var quiet = false

  /// Says something unless it should be quiet.
  func note(_ text: @autoclosure () -> String) {
    if !quiet { Messages.note(text()) }
  }

  /// Says what the model does not know, if it says so of itself.
  func noteDomain(of model: IndexModel) {
    guard let domain = model.directory.configuration.domain else { return }
    note(
      "the \(model.location.isBundled ? "bundled " : "")model knows \(domain); for photographs "
        + "give a CLIP checkpoint, such as openai/clip-vit-base-patch16: --model DIR")
  }
}

/// How much of the machine is used.
struct ThreadOptions: ParsableArguments {
  @Option(
    name: [.customShort("j"), .long],
    help: ArgumentHelp("Threads to use. Default: one per processor core.", valueName: "n"))
  var threads: Int?

  /// The number of threads.
  var count: Int { threads ?? defaultThreadCount }

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads \(threads): give a number from 1 to 1024")
    }
  }
}

/// How the tokens are kept in a new index.
struct LayoutOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Bits of a code in the plane that searches scan, 8 or 4, for a new index.",
      discussion: "With 4 the plane takes half the room, and exact searches read many more "
        + "originals. Default: 8.",
      valueName: "n"))
  var bits: Int?

  @Option(
    help: ArgumentHelp(
      "What a new index keeps besides the codes: f16 or none.",
      discussion: "With none, searches are exact for the codes instead of the tokens. "
        + "Default: f16.",
      valueName: "kind"))
  var originals: PlaneLayout.Originals?

  func validate() throws {
    if let bits, bits != 8, bits != 4 { throw ValidationError("--bits \(bits): give 8 or 4") }
  }

  /// The layout that the flags ask for.
  var layout: PlaneLayout {
    PlaneLayout(bits: bits == 4 ? .four : .eight, originals: originals ?? .f16)
  }

  /// Refuses flags that an existing index contradicts.
  func check(_ store: TokenStore?) throws {
    guard let store else { return }
    let has = store.layout
    let differs =
      (bits.map { $0 != Int(has.bits.rawValue) } ?? false)
      || (originals.map { $0 != has.originals } ?? false)
    guard differs else { return }
    throw QueryError(
      .modelMismatch,
      "the index at \(store.path) was made with --bits \(has.bits.rawValue) --originals "
        + "\(has.originals.rawValue); drop the flags, or choose another --index")
  }
}

extension PlaneLayout.Originals: ExpressibleByArgument {}

/// Whether an index gets a screen.
struct CascadeOptions: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Prepare the index for searches that skip most images, and measure what they find.",
      discussion: "Default: from 1 GB of codes on, and where it was done before."))
  var cascade: Bool?

  /// Brings the screen of an index up to date and measures its recall, if that is wanted.
  func run(
    on store: TokenStore, encoder: @autoclosure () throws -> TextEncoder?, threadCount: Int,
    messages: MessageOptions
  ) async throws {
    let (byteCount, hasScreen) = try store.read { snapshot in
      (try snapshot.statistics.planeByteCount, try snapshot.screenCodebookID != nil)
    }
    guard cascade ?? (hasScreen || byteCount >= 1 << 30) else { return }
    let reporter = ProgressReporter(isQuiet: messages.quiet, unit: "segments")
    var parameters = ScreenParameters()
    parameters.threadCount = threadCount
    let builder = ScreenBuilder(store: store, parameters: parameters)
    let summary = try await Interruption.cancelling {
      try await builder.run { progress in
        reporter.show(progress)
      }
    }
    reporter.finish()
    let isMeasured = try store.read { try RecallCurve($0) != nil }
    guard summary.segmentCount > 0 || !isMeasured else { return }
    let encoder = try encoder()
    var measurement = RecallMeasurement(store: store, encoder: encoder)
    measurement.phrases = encoder == nil ? [] : RecallPhrases.shipped
    measurement.threadCount = threadCount
    let run = measurement
    guard let curve = try await Interruption.cancelling({ try await run.run() }),
      let count = curve.candidateCount(forRecall: 0.99),
      let estimate = curve.estimate(candidateCount: count)
    else { return }
    messages.note(
      "cascade: \(summary.centroidCount) centroids; \(countText(count)) candidates find "
        + "\(decimal(100 * estimate.value, digits: 1)) % of the ten best "
        + "(\(estimate.queryCount) queries, \(estimate.querySource))")
  }
}

/// How many images a search looks at.
struct MethodOptions: ParsableArguments {
  @Flag(help: "Look at every image, however large the index: the hits are proven to be the best.")
  var exact = false

  @Flag(help: "Look only at the images that the index's screen lets through.")
  var cascade = false

  @Option(
    help: ArgumentHelp(
      "How many images the screen lets through; implies --cascade.",
      discussion: "Default: as many as found 99 % of the ten best when the index was measured.",
      valueName: "n"))
  var candidates: Int?

  func validate() throws {
    if exact, cascade || candidates != nil {
      throw ValidationError("--exact looks at every image; drop --cascade and --candidates")
    }
    if let candidates, candidates < 1 {
      throw ValidationError("--candidates \(candidates): give 1 or more")
    }
  }

  /// The method that the flags ask for.
  var method: SearchMethod {
    if exact { return .exact }
    return cascade || candidates != nil ? .cascade(candidates: candidates) : .automatic
  }
}

/// How files are decoded.
struct DecodingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Refuse pictures with more pixels than this. Default: scaled to the memory.",
      valueName: "n"))
  var maxMegapixels: Double?

  func validate() throws {
    if let maxMegapixels, !(maxMegapixels > 0 && maxMegapixels <= 1e6) {
      throw ValidationError("--max-megapixels: give a number above 0, up to 1000000")
    }
  }

  /// The limits that the flags ask for.
  func limits(threadCount: Int) -> DecodingLimits {
    guard let maxMegapixels else { return .scaledToMemory(threadCount: threadCount) }
    return DecodingLimits(maximumPixelCount: Int(maxMegapixels * 1_000_000))
  }
}

/// How results are written.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Write one JSON document (same as --format json).")
  var json = false

  @Option(
    help: ArgumentHelp(
      "human, tsv (score and path), paths, json, or jsonl. Default: human on a terminal, "
        + "tsv otherwise.",
      discussion: "In tsv, a tab, a newline and a backslash of a name are written \\t, \\n and "
        + "\\\\; paths are written as they are: with -0 every name can be told from the next.",
      valueName: "format"))
  var format: HitFormat?

  @Flag(
    name: [.customShort("l"), .customLong("paths")], help: "Paths only (same as --format paths).")
  var pathsOnly = false

  @Flag(
    name: [.customShort("0"), .customLong("print0")],
    help: "End each path with a zero byte; implies -l.")
  var zeroTerminated = false

  @Flag(
    help: "Show absolute paths. Default: relative to the current folder where they are below it.")
  var absolute = false

  /// Whether the flags ask for a format, instead of leaving it to where the output goes.
  var isFormatGiven: Bool { json || format != nil || pathsOnly || zeroTerminated }

  /// The format that the flags ask for.
  var hitFormat: HitFormat {
    if json { return .json }
    if let format { return format }
    if pathsOnly || zeroTerminated { return .paths }
    return StandardOutput.isTerminal ? .human : .tsv
  }

  var paths: PathText { PathText(absolute: absolute) }

  func validate() throws {
    if json, let format, format != .json {
      throw ValidationError("--json and --format \(format.rawValue) contradict each other")
    }
    if (pathsOnly || zeroTerminated), json || (format ?? .paths) != .paths {
      throw ValidationError("-l and -0 write paths only; leave out --json and --format")
    }
  }
}

extension HitFormat: ExpressibleByArgument {}
extension TokenMode: ExpressibleByArgument {}
extension ComputeFormat: ExpressibleByArgument {}
