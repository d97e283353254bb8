extension TokenStore {
  /// Mends what an audit of this index found, and loses nothing but what is damaged.
  ///
  /// What follows from something intact is made anew: paths, hashes, places, codes. An item whose
  /// record is damaged is removed, one whose tokens are damaged keeps its id and waits for the next
  /// run of the indexer. The repair is done in several commits; should it be cut short, audit and
  /// repair again. One repair may uncover more: audit afterwards.
  ///
  /// `encoder` is the fingerprint of the encoder that made the tokens, for an encoder whose name is
  /// lost; without it, the next run of the indexer encodes its items again.
  /// - Throws: `StoreError` `.busy` when something was committed since the audit, and whatever
  ///   `write` throws.
  public func repair(_ report: AuditReport, encoder: String? = nil) throws {
    let actions = report.findings.flatMap(\.actions)
    let lost = Set(actions.compactMap(\.erasedSegment))
    var expected = report.commitNumber
    for rank in Set(actions.map(\.rank)).sorted() {
      // Of some steps there may be as many as items; a commit has some hundred.
      let steps = actions.filter { $0.rank == rank }
      for start in stride(from: 0, to: steps.count, by: Self.stepsPerCommit) {
        let portion = steps[start..<min(steps.count, start + Self.stepsPerCommit)]
        try write { writer in
          guard writer.transaction.commitNumber == expected + 1 else {
            throw StoreError(
              .busy, "the index at \(path) was changed since it was verified; verify it again")
          }
          try writer.repair(portion, lost: lost, encoder: encoder)
        }
        expected += 1
      }
    }
  }

  private static let stepsPerCommit = 256
}

extension RepairAction {
  /// The segment that the step removes, if it removes one.
  fileprivate var erasedSegment: UInt64? {
    if case .eraseSegment(let segment) = self { segment } else { nil }
  }
}
