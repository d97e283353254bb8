public import FilipEncoders
import FilipLateInteraction
public import FilipStore
public import SystemPackage

/// Explains single images: those of an index by the tokens they are searched by, any other file by
/// tokens that are made of it then and there, in the way the index makes them.
public struct Explainer: Sendable {
  /// What is to be explained.
  public enum Subject: Sendable {
    /// An item of the index.
    case item(ItemRecord)
    /// A file that is not in the index, or not as it is now.
    case file(FilePath)

    /// What an argument names: a file, or an item of the index by its id.
    ///
    /// An indexed file that changed since is taken as it is now; one that is gone, as it was.
    /// - Parameter path: the argument as a path, absolute and without links.
    /// - Throws: `QueryError.notFound`; `StoreError` for a damaged index.
    public init(_ argument: String, path: FilePath, in store: TokenStore?) throws {
      let named = try store?.read { try $0.item(forPath: path.bytes) }
      let isThere = path.exists
      if let named, named.unreadableReason == nil, !isThere || !named.isStale {
        self = .item(named)
      } else if isThere {
        self = .file(path)
      } else if let number = UInt64(argument),
        let item = try store?.read({ try $0.item(ItemID(rawValue: number)) }),
        item.unreadableReason == nil
      {
        self = .item(item)
      } else {
        throw QueryError(
          .notFound,
          "\(argument): there is no such file, nor an image of that path or id in the index; see "
            + "filip list")
      }
    }
  }

  private let store: TokenStore?
  private let encoder: QueryEncoder
  private let images: ImagePipeline?

  /// An explainer over an index, if there is one, whose texts `encoder` encodes and whose pictures
  /// `images`; all belong to one model.
  public init(store: TokenStore?, encoder: TextEncoder?, images: ImagePipeline?) {
    self.store = store
    self.encoder = QueryEncoder(text: encoder, images: images)
    self.images = images
  }

  /// Why an image has its score for a query.
  /// - Throws: as `Searcher.search(_:parameters:)`; `QueryError` for a file that cannot be read, for
  ///   an image without tokens, and for exclusions without an index to measure them by.
  public func explain(_ query: Query, _ subject: Subject) throws -> Explanation {
    try explain(try encoder.encode(query), subject)
  }

  /// Why an image has its score for a query that was encoded already.
  public func explain(_ query: EncodedQuery, _ subject: Subject) throws -> Explanation {
    guard let store else {
      guard query.exclusions.isEmpty else {
        throw QueryError(
          .contradictoryQuery,
          "what must not be there is measured by what the images of an index show; name an --index, "
            + "or leave it out")
      }
      guard case .file(let path) = subject else { preconditionFailure("an index for its item") }
      let (item, tokens) = try encode(path, .none)
      return try explain(query, item, tokens)
    }
    return try store.read { snapshot in
      let reduction = try TokenReduction(snapshot)
      var query = query
      query.project(by: reduction)
      try query.measureBackgrounds(snapshot, store.layout, ofParts: true)
      switch subject {
      case .item(let item):
        guard let tokens = try snapshot.tokens(of: item.id) else { throw Self.noTokens(item) }
        return try explain(query, item, tokens)
      case .file(let path):
        let (item, tokens) = try encode(path, reduction)
        return try explain(query, item, tokens)
      }
    }
  }

  private func explain(
    _ query: EncodedQuery, _ item: ItemRecord, _ tokens: TokenMatrix
  ) throws -> Explanation {
    guard tokens.tokenCount > 0 else { throw Self.noTokens(item) }
    guard tokens.dimension == query.tokens.dimension else {
      throw QueryError(
        .modelMismatch,
        "the query has \(query.tokens.dimension) dimensions and the image \(tokens.dimension); "
          + "another model made it")
    }
    let rows = query.tokens.appending(query.exclusions.map(\.tokens))
    return Explanation(query, ExactSimilarities(text: rows, image: tokens), of: item)
  }

  /// The tokens of a file as an index with that reduction would keep them, and its record.
  private func encode(
    _ path: FilePath, _ reduction: TokenReduction
  ) throws -> (ItemRecord, TokenMatrix) {
    guard let images else {
      throw QueryError(
        .modelMismatch, "\(path): the model has no image encoder; name an image of the index")
    }
    let (image, encoded) = try images.encodeNamed(path)
    let reduced =
      reduction.isReady
      ? reduction.reduce(encoded.tokens) : ReducedTokens(tokens: encoded.tokens)
    var item = ItemRecord(kind: .image, path: path.bytes)
    item.width = UInt32(image.width)
    item.height = UInt32(image.height)
    item.format = image.format.rawValue
    item.describe(image.metadata)
    item.tiles = encoded.tiles
    item.patchTokens = reduced.patchTokens(of: encoded)
    item.tokenCount = reduced.tokens.tokenCount
    return (item, reduced.tokens)
  }

  private static func noTokens(_ item: ItemRecord) -> QueryError {
    QueryError(.unreadable, "\(FilePath(bytes: item.path ?? [])): the index has no tokens of it")
  }
}
