import FilipEncoders
public import FilipStore

/// Verifies an index to the last byte, and mends it.
///
/// Besides the tables (`Snapshot.audit`), the notes are read in which an index says which model it
/// has and how its tokens are reduced.
public struct IndexAudit: Sendable {
  /// The index.
  public let store: TokenStore

  /// An audit of an index; a repair needs one that is open for writing.
  public init(store: TokenStore) { self.store = store }

  /// Reads everything and returns what is wrong.
  /// - Complexity: as `Snapshot.audit`.
  /// - Throws: `StoreError` when LMDB's own pages are damaged, or the disk fails.
  public func run(
    progress: @escaping (AuditProgress) -> Void = { _ in }
  ) throws -> AuditReport {
    try store.read { snapshot in
      var report = try snapshot.audit(progress: progress)
      do {
        _ = try TokenReduction(snapshot)
      } catch let error as QueryError {
        report.add(note: "reduction", error.message)
      } catch {
        // A damaged note is among the findings already.
      }
      report.allowDropping(
        notes: [
          RecallCurve.noteName, TokenReduction.dispensableNoteName,
          ComputeFormat.dispensableNoteName,
        ])
      return report
    }
  }

  /// Mends what can be mended, and verifies again until nothing is left to mend.
  ///
  /// Notes about the model are written anew where the index's tokens are those of the model that
  /// `fallback` names, or of the bundled one.
  /// - Returns: everything that was found, in this and in later rounds, and the last report.
  /// - Throws: as `run`; `StoreError` when the index cannot be written.
  public func repair(
    _ report: AuditReport, fallback: String? = nil,
    progress: @escaping (AuditProgress) -> Void = { _ in }
  ) throws -> (mended: [AuditFinding], left: AuditReport) {
    var mended: [AuditFinding] = []
    var left = report
    for _ in 0..<Self.roundLimit where !left.isSound {
      let notes = left.findings.filter { IndexModel.noteNames.contains($0.note ?? "") }
      if left.canBeRepaired {
        mended += left.findings.filter { $0.remedy != .none }
        try store.repair(left, encoder: encoderName())
      } else {
        guard try !notes.isEmpty && mendModel(fallback: fallback) else { break }
        mended += notes
      }
      left = try run(progress: progress)
    }
    return (mended, left)
  }

  /// Damage may hide more damage; it does not do so often.
  private static let roundLimit = 8

  /// The fingerprint of the encoder, as far as an intact note says it.
  private func encoderName() -> String? {
    let recorded = try? IndexModel.recordedImageFingerprint(of: store)
    return recorded ?? (try? ImportedOrigin.fingerprint(of: store))
  }

  private func mendModel(fallback: String?) throws -> Bool {
    // The notes cannot be read: the model is looked for as for an index without any.
    guard let model = try? IndexModel(for: nil, requested: fallback) else { return false }
    return try model.mendNotes(of: store)
  }
}
