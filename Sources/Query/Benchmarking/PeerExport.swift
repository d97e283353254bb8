import FilipEncoders
package import FilipLateInteraction
import FilipLinearAlgebra
package import FilipStore
package import SystemPackage

/// Writes an index, queries and the exact answers as NumPy arrays, so that other engines can be run
/// on the very same vectors.
///
/// | file | type | shape |
/// | --- | --- | --- |
/// | `tokens.npy` | f2 | (sum of tokens, d), as stored |
/// | `lengths.npy` | i8 | (images), their tokens |
/// | `ids.npy` | i8 | (images), their ids in the index |
/// | `queries.npy` | f4 | (sum of words, d) |
/// | `query-lengths.npy` | i8 | (queries), their words |
/// | `exact.npy` | i8 | (queries, k): positions in `ids.npy`, best first |
/// | `exact-scores.npy` | f4 | (queries, k) |
package struct PeerExport {
  /// Where the files go; the folder is made if need be.
  package let folder: FilePath

  /// An export into a folder.
  package init(folder: FilePath) { self.folder = folder }

  /// Writes everything. Images without tokens are left out.
  /// - Precondition: all exact answers have the same number of hits.
  /// - Throws: `QueryError` when the index does not keep tokens in half precision; `StoreError`;
  ///   `Errno`.
  package func write(
    _ store: TokenStore, queries: [TokenMatrix], exact: [[ExhaustiveSearch.Hit]]
  ) throws {
    try folder.makeFolder()
    var ids: [Int64] = []
    var lengths: [Int64] = []
    var dimension = 0
    try store.read { snapshot in
      try snapshot.forEachItem { item in
        guard item.tokenCount > 0 else { return }
        ids.append(Int64(item.id.rawValue))
        lengths.append(Int64(item.tokenCount))
      }
      dimension = queries.first?.dimension ?? 0
      let tokens = try ArrayFile(
        folder.appending("tokens.npy"), .float16, [Int(lengths.reduce(0, +)), dimension])
      var decoder = TokenDecoder()
      var rows: [Float] = []
      try snapshot.forEachEncodedTokens { id, bytes in
        let shape = try decoder.decode(bytes, of: id, into: &rows)
        let elements = Array(rows[..<shape.elementCount])
        let halves = binary16(rounding: elements)
        guard floats(widening: halves) == elements else {
          throw QueryError(
            .unreadable,
            "the index at \(store.path) does not keep its tokens in half precision; export one that "
              + "does")
        }
        try tokens.append(halves)
      }
      try tokens.close()
    }
    try write(lengths, "lengths.npy", [lengths.count])
    try write(ids, "ids.npy", [ids.count])
    let words = try ArrayFile(
      folder.appending("queries.npy"), .float32,
      [queries.reduce(0) { $0 + $1.tokenCount }, dimension])
    for query in queries { try words.append(query.elements) }
    try words.close()
    try write(queries.map { Int64($0.tokenCount) }, "query-lengths.npy", [queries.count])
    try write(exact, positions: ids)
  }

  private func write(_ exact: [[ExhaustiveSearch.Hit]], positions ids: [Int64]) throws {
    let depth = exact.first?.count ?? 0
    precondition(exact.allSatisfy { $0.count == depth }, "answers of one length")
    let places = Dictionary(
      uniqueKeysWithValues: ids.enumerated().map { ($1, Int64($0)) })
    let positions = exact.flatMap { hits in
      hits.map { places[Int64($0.id.rawValue)] ?? -1 }
    }
    try write(positions, "exact.npy", [exact.count, depth])
    let scores = try ArrayFile(
      folder.appending("exact-scores.npy"), .float32, [exact.count, depth])
    try scores.append(exact.flatMap { $0.map { Float($0.score) } })
    try scores.close()
  }

  private func write(_ integers: [Int64], _ name: String, _ shape: [Int]) throws {
    let file = try ArrayFile(folder.appending(name), .int64, shape)
    try file.append(integers)
    try file.close()
  }
}

/// A `.npy` file that is written in portions.
private struct ArrayFile {
  private let file: FileDescriptor

  init(_ path: FilePath, _ elementType: TensorElementType, _ shape: [Int]) throws {
    file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .truncate, .closeOnExec],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
    try append(NumPyFile.header(elementType, shape: shape))
  }

  func append<Element: BitwiseCopyable>(_ elements: [Element]) throws {
    _ = try elements.withUnsafeBytes { try file.writeAll($0) }
  }

  func close() throws { try file.close() }
}
