public import FilipEncoders
public import SystemPackage

/// Every knob of an indexing run.
public struct IndexParameters: Sendable {
  /// Folders and files to look through.
  public var roots: [FilePath]
  /// Which files below them are looked at.
  public var walk = WalkOptions()
  /// Removes images whose file is gone even when that is more than `pruneLimit` of the images
  /// under the roots. Default false.
  public var prunesWithoutLimit = false
  /// The share of the images under the roots that may vanish at once. Default 0.2: an unmounted
  /// disk looks like a folder whose files were all deleted.
  public var pruneLimit = 0.2
  /// Encodes every file again, changed or not. Default false.
  public var encodesUnchanged = false
  /// Batches that are decoded and encoded at the same time; at least 1. Default: one per
  /// processor core.
  public var threadCount = defaultThreadCount
  /// Images per batch; at least 1. Default 8.
  public var batchSize = 8
  /// How large a picture may be. Default: scaled to the memory.
  public var decodingLimits: DecodingLimits

  /// The defaults, for `roots`.
  public init(roots: [FilePath]) {
    self.roots = roots
    decodingLimits = .scaledToMemory(threadCount: defaultThreadCount)
  }

  /// Makes sure that the roots are files.
  /// - Throws: `QueryError.unreadable` for a folder or another thing, `.notFound`.
  public func requireFiles() throws(QueryError) {
    for root in roots {
      let kind: FileStatus.Kind
      do {
        kind = try FileStatus(of: root).kind
      } catch {
        throw QueryError(.notFound, "\(root): \(error); name an existing file")
      }
      guard kind == .regular else {
        throw QueryError(
          .unreadable, "\(root) is not a file; name files of texts, one JSON object a line")
      }
    }
  }

  /// The same with absolute roots without links; a root inside another one is dropped.
  /// - Throws: `QueryError.notFound` when a root is missing.
  public func resolvingRoots() throws(QueryError) -> IndexParameters {
    var resolved: [FilePath] = []
    for root in roots {
      do {
        resolved.append(try root.resolved())
      } catch {
        throw QueryError(.notFound, "\(root): \(error); name an existing folder or file to index")
      }
    }
    let all = Set(resolved)
    var kept: Set<FilePath> = []
    var parameters = self
    parameters.roots = resolved.filter { root in
      !root.removingLastComponent().isInside(all.subtracting([root])) && kept.insert(root).inserted
    }
    return parameters
  }
}
