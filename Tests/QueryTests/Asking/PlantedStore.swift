import FilipLateInteraction
import FilipStore
import TestSupport

@testable import FilipQuery

/// An index of planted images, each under its number as a path, in a folder that goes with it.
struct PlantedStore {
  let folder: TemporaryDirectory
  let store: TokenStore
  var searcher: Searcher { Searcher(store: store, encoder: nil) }

  init(
    _ images: [TokenMatrix], layout: PlaneLayout = PlaneLayout(),
    describe: (Int, inout ItemRecord) -> Void = { _, _ in }
  ) throws {
    folder = try TemporaryDirectory(inMemory: true)
    store = try TokenStore.open(at: folder.path, mode: .create, layout: layout)
    try store.write { writer in
      for (number, tokens) in images.enumerated() {
        var record = ItemRecord(kind: .imported, path: Array("\(number)".utf8))
        describe(number, &record)
        try writer.insert(record, tokens: tokens)
      }
    }
  }

  init(_ images: [PlantedImage]) throws { try self.init(images.map(\.tokens)) }

  /// The numbers of the images that a search finds, best first.
  func search(
    _ query: EncodedQuery, count: Int = 10, _ change: (inout SearchParameters) -> Void = { _ in }
  ) async throws -> (numbers: [Int], results: SearchResults) {
    var parameters = SearchParameters()
    parameters.count = count
    parameters.threadCount = 1
    change(&parameters)
    let results = try await searcher.search(query, parameters: parameters)
    return (results.hits.map { Int(String(decoding: $0.item.path ?? [], as: UTF8.self))! }, results)
  }
}

extension EncodedQuery {
  /// A part for each colour.
  init(
    _ colours: PlantedImage.Colour..., weights: [Double]? = nil,
    combination: Query.Combination = .mean
  ) {
    self.init(tokens: PlantedImage.words(colours))
    for (index, colour) in colours.enumerated() { parts[index].term.text = "\(colour)" }
    if let weights { self.weights = weights }
    self.combination = combination
  }

  /// The same query, with one more thing that must not be there.
  func without(_ colours: PlantedImage.Colour..., weight: Double = 1) -> EncodedQuery {
    var query = self
    let term = ScoredTerm(text: "\(colours)", sourceRange: nil, weight: weight)
    query.exclusions.append(Exclusion(term: term, tokens: PlantedImage.words(colours)))
    return query
  }
}
