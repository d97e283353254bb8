package import FilipLateInteraction
package import FilipStore

/// An engine whose speed and recall are measured: whatever turns tokens into ids.
package struct BenchmarkEngine: Sendable {
  /// What an engine found, and what it knows of its own work.
  package struct Answer: Sendable {
    /// The best images, best first.
    package var ids: [ItemID]
    /// Bytes of the index that it read, if it counts them.
    package var readByteCount: Int?
    /// Products of small integers that it made, if it counts them.
    package var productCount: Int?
    /// Images that it scored again more exactly, if it does so.
    package var refinedCount: Int?

    /// An answer.
    package init(
      ids: [ItemID], readByteCount: Int? = nil, productCount: Int? = nil, refinedCount: Int? = nil
    ) {
      self.ids = ids
      self.readByteCount = readByteCount
      self.productCount = productCount
      self.refinedCount = refinedCount
    }
  }

  /// One line that tells it from others.
  package var name: String
  /// Finds the best `count` images for a query on some threads.
  package var search:
    @Sendable (_ query: TokenMatrix, _ count: Int, _ threadCount: Int) async throws -> Answer

  /// An engine.
  package init(
    name: String,
    search: @escaping @Sendable (TokenMatrix, Int, Int) async throws -> Answer
  ) {
    self.name = name
    self.search = search
  }
}
