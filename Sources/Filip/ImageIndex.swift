public import FilipEncoders
import FilipLateInteraction
public import FilipQuery
public import FilipStore
import SystemPackage

/// An index of images with its model: the engine in three calls.
///
///     let index = try ImageIndex(at: "my-index")
///     try await index.update(folders: ["photos"])
///     let results = try await index.search("small balloon")
///
/// Safe to use from many tasks. It never exits, prints, or installs signal handlers. OpenBLAS is
/// set to one thread in this process, since parallelism lies above it.
public final class ImageIndex: Sendable {
  private let path: String
  private let model: IndexModel
  private let store: TokenStore
  private let encoder: TextEncoder
  private let searcher: Searcher
  private let options: TokenStore.Options
  private let format: ComputeFormat
  private let cacheDirectory: String?

  /// Opens the index in the folder `path`, or makes it.
  ///
  /// `model` is the name of an installed model or a checkpoint directory; `nil` means the index's
  /// own model, and for a new index the bundled one. `reduction` makes a new index smaller and its
  /// results approximate; for an index that exists it must be the index's own. `format` says how the
  /// model computes, for images as for queries: `.int8` is about three times as fast, for tokens that
  /// differ a little. Its weights are kept in `cacheDirectory`, if one is given, for the next time; it
  /// need not exist. `options` says what the index is opened in spite of.
  /// - Throws: `StoreError`, `QueryError` when the index was made by another model,
  ///   `EncoderError` for a damaged checkpoint.
  public init(
    at path: String, model: String? = nil, reduction: ReductionRequest = ReductionRequest(),
    format: ComputeFormat = .float32, cacheDirectory: String? = nil,
    options: TokenStore.Options = []
  ) throws {
    self.path = path
    self.options = options
    self.format = format
    self.cacheDirectory = cacheDirectory
    if try TokenStore.exists(at: path) {
      store = try TokenStore.open(at: path, mode: .readOnly, options: options)
      self.model = try IndexModel(for: store, requested: model)
      _ = try self.model.reduction(for: store, request: reduction)
    } else {
      self.model = try IndexModel(for: nil, requested: model)
      let limits = IndexParameters(roots: []).decodingLimits
      let pipeline = try ImagePipeline(
        model: self.model, limits: limits, format: format, cacheDirectory: cacheDirectory)
      // Released at once: programs that only search leave the index to whoever writes.
      _ = try self.model.openForWriting(
        at: path, pipeline: pipeline, reduction: reduction, options: options)
      store = try TokenStore.open(at: path, mode: .readOnly, options: options)
    }
    encoder = try TextEncoder(
      model: self.model.directory, format: format, cacheDirectory: cacheDirectory)
    searcher = Searcher(store: store, encoder: encoder)
  }

  /// Brings the index up to date with folders of images; searches may go on meanwhile.
  ///
  /// Unreadable files are listed in the summary; they do not throw.
  /// - Throws: `StoreError` with the code `.busy` while another program or task writes.
  @discardableResult
  public func update(
    folders: [String],
    progress: @escaping @Sendable (IndexProgress) -> Void = { _ in }
  ) async throws -> IndexSummary {
    let parameters = IndexParameters(roots: folders.map { FilePath($0) })
    let pipeline = try ImagePipeline(
      model: model, limits: parameters.decodingLimits, format: format,
      cacheDirectory: cacheDirectory)
    let writable = try model.openForWriting(at: path, pipeline: pipeline, options: options)
    let indexer = try Indexer(store: writable, pipeline: pipeline, parameters: parameters)
    return try await indexer.run(progress: progress)
  }

  /// The images that fit `query` best, of those that pass `filter`, with the evidence per word.
  public func search(
    _ query: String, count: Int = 10, filter: SearchFilter = SearchFilter()
  ) async throws -> SearchResults {
    var parameters = SearchParameters()
    parameters.count = count
    parameters.filter = filter
    return try await searcher.search(query, parameters: parameters)
  }

  /// The images that fit a query with weights, exclusions or pictures best.
  ///
  ///     var query = Query(try QueryParser.parse("small balloon^2"))
  ///     query.excluded = [Query.Clause(try QueryParser.parse("snow"))]
  ///     let results = try await index.search(query)
  /// - Throws: `QueryError` for what cannot be asked together, `EncoderError` for a picture that cannot
  ///   be read.
  public func search(
    _ query: Query, parameters: SearchParameters = SearchParameters()
  ) async throws -> SearchResults {
    guard query.needs.images else {
      return try await searcher.search(query, parameters: parameters)
    }
    let pipeline = try ImagePipeline(
      model: model, limits: IndexParameters(roots: []).decodingLimits, format: format,
      cacheDirectory: cacheDirectory)
    return try await Searcher(store: store, encoder: encoder, images: pipeline)
      .search(query, parameters: parameters)
  }
}
