import FilipEncoders
public import FilipStore
import SystemPackage

/// What a run would do, judged from names, sizes and times; a few files are encoded to judge the
/// time it would take. Renamed files are not recognised: they count as new and missing.
public struct IndexForecast: Sendable {
  /// Files that are not in the index.
  public var newCount = 0
  /// Files whose size or time differ from the index.
  public var changedCount = 0
  /// Files that would be left as they are.
  public var unchangedCount = 0
  /// Images of the index whose file is gone.
  public var vanishedCount = 0
  /// Bytes the new and changed images would take in the index, at most.
  public var predictedByteCount: Int64 = 0
  /// Time it would take, judged from a few of the files; `nil` without any.
  public var predictedDuration: Duration?

  /// Files encoded to judge the time.
  private static let sampleCount = 8

  /// Looks through the roots and compares with the index, if there is one; writes nothing.
  public init(
    store: TokenStore?, pipeline: ImagePipeline, parameters: IndexParameters,
    reduction: ReductionSetting = .none
  ) throws {
    let parameters = try parameters.resolvingRoots()
    var seen: Set<ItemID> = []
    var unreadable: [FilePath] = []
    var samples: [FoundFile] = []
    for root in parameters.roots {
      var files: [FoundFile] = []
      FileWalk(root: root, options: parameters.walk).forEach { event in
        switch event {
        case .file(let file): files.append(file)
        case .unreadable(let path, _): unreadable.append(path)
        }
        return true
      }
      for file in files {
        let known = try store?.read { try $0.item(forPath: file.path.bytes) }
        guard known != nil || ImageSniffing.isCandidate(file.path) else { continue }
        if let known {
          seen.insert(known.id)
          let isUnchanged =
            known.fileSize == file.status.size
            && known.modificationTime == file.status.modificationTime
            && known.unreadableReason == nil && known.encoderFingerprint == pipeline.fingerprint
          if isUnchanged, !parameters.encodesUnchanged {
            unchangedCount += 1
            continue
          }
          changedCount += 1
        } else {
          newCount += 1
        }
        if samples.count < Self.sampleCount { samples.append(file) }
      }
    }
    if let store {
      vanishedCount = try store.read { snapshot in
        try vanishedItems(
          in: snapshot, roots: parameters.roots, seen: seen, except: unreadable
        ).vanished.count
      }
    }
    let count = newCount + changedCount
    predictedByteCount = Int64(count) * pipeline.footprint.byteCount(under: reduction)
    predictedDuration = Self.timePerFile(samples, pipeline).map {
      $0 * count / max(1, parameters.threadCount)
    }
  }

  private static func timePerFile(
    _ files: [FoundFile], _ pipeline: ImagePipeline
  ) -> Duration? {
    guard !files.isEmpty else { return nil }
    let started = ContinuousClock.now
    for file in files { _ = try? pipeline.encode(contentsOf: file.path) }
    return (.now - started) / files.count
  }
}
