package import FilipLateInteraction
package import FilipStore

/// What filters cost: the same exact searches without one and with several.
package struct FilterBenchmark: Sendable {
  /// Searches under one filter.
  package struct Row: Sendable {
    /// Which part of the images passes, in words.
    package var name: String
    /// Images that pass; all of them without a filter.
    package var imageCount: Int
    /// Seconds that it takes to know which images pass, ascending; empty without a filter.
    package var evaluations: [Double]
    /// Seconds of each search, the evaluation included, ascending.
    package var searches: [Double]
  }

  /// Without a filter, then with each.
  package var rows: [Row] = []

  /// Answers every query once under each filter, in turn.
  ///
  /// The filters ask for times, which `SyntheticIndex` spreads evenly over its images.
  /// - Throws: `StoreError`, `QueryError`.
  package init(
    store: TokenStore, queries: [TokenMatrix], threadCount: Int
  ) async throws {
    precondition(!queries.isEmpty, "something to measure")
    let imageCount = try store.read { try $0.readableCount }
    var filters: [(name: String, filter: SearchFilter)] = [("no filter", SearchFilter())]
    for (name, share) in [("all pass", 1), ("a half passes", 2), ("one in 100 passes", 100)] {
      var filter = SearchFilter()
      filter.before = SyntheticIndex.time(ofImage: imageCount / share)
      filters.append((name, filter))
    }
    rows = try filters.map { name, filter in
      let count = try store.read { try filter.items(in: $0)?.count } ?? imageCount
      return Row(name: name, imageCount: count, evaluations: [], searches: [])
    }
    let searcher = Searcher(store: store, encoder: nil)
    for query in queries {
      for (index, (_, filter)) in filters.enumerated() {
        var parameters = SearchParameters()
        parameters.method = .exact
        parameters.threadCount = threadCount
        parameters.filter = filter
        let started = ContinuousClock.now
        _ = try await searcher.search(tokens: query, parameters: parameters)
        rows[index].searches.append((.now - started) / .seconds(1))
        guard !filter.isEmpty else { continue }
        let begun = ContinuousClock.now
        _ = try store.read { try filter.items(in: $0)?.count }
        rows[index].evaluations.append((.now - begun) / .seconds(1))
      }
    }
    for index in rows.indices {
      rows[index].searches.sort()
      rows[index].evaluations.sort()
    }
  }
}
