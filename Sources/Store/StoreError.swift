/// Why an index could not be opened, read or written.
public struct StoreError: Error, Sendable {
  /// What kind of problem it is, for programs.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Kind: String {
      case notFound, notAnIndex, formatTooOld, formatTooNew, busy, readOnly, permissionDenied
      case diskFull, mapFull, readersFull, damaged, incompatibleLibrary, unavailable, noSuchItem
      case networkFileSystem, alreadyExists
    }
    private let kind: Kind

    /// There is no index at the path.
    public static let notFound = Code(kind: .notFound)
    /// The folder holds a database, but not one of ours.
    public static let notAnIndex = Code(kind: .notAnIndex)
    /// The index was written by an older program in a format that is no longer read.
    public static let formatTooOld = Code(kind: .formatTooOld)
    /// The index was written by a newer program.
    public static let formatTooNew = Code(kind: .formatTooNew)
    /// Another program, or another part of this one, writes to the index.
    public static let busy = Code(kind: .busy)
    /// A write was asked of a store that was opened for reading.
    public static let readOnly = Code(kind: .readOnly)
    /// The file system does not let this user do that.
    public static let permissionDenied = Code(kind: .permissionDenied)
    /// The disk, or the user's share of it, is full.
    public static let diskFull = Code(kind: .diskFull)
    /// The index has reached the size of its memory map, which cannot grow now.
    public static let mapFull = Code(kind: .mapFull)
    /// Too many programs read the index at once.
    public static let readersFull = Code(kind: .readersFull)
    /// Stored bytes are not what was written.
    public static let damaged = Code(kind: .damaged)
    /// The index was written by an LMDB whose files this one cannot read.
    public static let incompatibleLibrary = Code(kind: .incompatibleLibrary)
    /// The index names no item with that id.
    public static let noSuchItem = Code(kind: .noSuchItem)
    /// The folder lies on a network file system.
    public static let networkFileSystem = Code(kind: .networkFileSystem)
    /// A copy was to be made where there is something already.
    public static let alreadyExists = Code(kind: .alreadyExists)
    /// Any other refusal of the operating system; `underlying` says which.
    public static let unavailable = Code(kind: .unavailable)

    /// The code's Swift name.
    public var description: String { kind.rawValue }
  }

  /// The kind of problem.
  public let code: Code
  /// What happened, with the path or the item's id, and what to do about it.
  public let message: String
  /// LMDB's or the system's code where one of them reported the problem.
  public let underlying: LMDBError?

  /// An error of the given kind.
  init(_ code: Code, _ message: String, underlying: LMDBError? = nil) {
    self.code = code
    self.message = message
    self.underlying = underlying
  }
}

extension StoreError: CustomStringConvertible {
  /// The message, then the system's words in brackets where there are any.
  public var description: String {
    guard let underlying else { return message }
    return "\(message) (\(underlying))"
  }
}

extension StoreError {
  /// Translates what LMDB reported while it was `doing` something with the index at `path`.
  ///
  /// `byteCount` is how much was to be written, as far as that was known, and `folder` where, if that
  /// is not `path`.
  init(
    _ error: LMDBError, path: String, doing action: String, byteCount: Int = 0,
    folder: String? = nil
  ) {
    switch error {
    case .noSpace, .quotaExceeded, .fileTooLarge:
      let free = freeByteCount(at: folder ?? path).map { ", which has \(sizeText($0)) left" } ?? ""
      let needed = byteCount > 0 ? "at least \(sizeText(byteCount))" : "some space"
      self.init(
        .diskFull,
        "no room on the disk\(free), while \(action) the index at \(path); free \(needed) and run "
          + "the command again: what was saved before is intact", underlying: error)
    case .mapFull:
      self.init(
        .mapFull,
        "the memory map of the index at \(path) is full and the system lets it grow no further; "
          + "what was saved before is intact; raise the limit on address space (ulimit -v) and run "
          + "the command again", underlying: error)
    case .accessDenied, .notPermitted, .readOnlyFileSystem:
      self.init(
        .permissionDenied,
        "no permission while \(action) the index at \(path); reading also needs write access to "
          + "its lock.mdb: check the folder's owner and mode, or copy the index", underlying: error)
    case .readersFull:
      self.init(
        .readersFull,
        "too many programs read the index at \(path) at once; close some of them",
        underlying: error)
    case .corrupted, .pageNotFound, .invalid, .incompatible:
      self.init(
        .damaged,
        "the index at \(path) is damaged; restore a copy or rebuild it with `filip index --force`",
        underlying: error)
    case .versionMismatch:
      self.init(
        .incompatibleLibrary,
        "the index at \(path) was written by an incompatible version of LMDB; open it with the "
          + "program that made it, or rebuild it with `filip index --force`", underlying: error)
    case .noSuchFile:
      self = .notFound(path: path)
    case .inputOutput:
      self.init(
        .unavailable,
        "the disk failed while \(action) the index at \(path); look at the system's log and copy "
          + "the index to another disk", underlying: error)
    case .panic:
      self.init(
        .unavailable,
        "the disk failed at the end of an earlier write to the index at \(path); what was saved "
          + "before is intact: open the index again", underlying: error)
    case .outOfMemory:
      self.init(
        .unavailable,
        "not enough memory or address space while \(action) the index at \(path); check ulimit -v",
        underlying: error)
    default:
      self.init(.unavailable, "error while \(action) the index at \(path)", underlying: error)
    }
  }

  /// Nothing at `path` looks like an index.
  static func notFound(path: String) -> StoreError {
    StoreError(.notFound, "there is no index at \(path); make one with `filip index FOLDER`")
  }

  /// Stored bytes that belong to `subject` are damaged.
  init(_ damage: Damage, in subject: String, path: String? = nil) {
    let place = path.map { " of the index at \($0)" } ?? ""
    switch damage {
    case .newerVersion(let version):
      self.init(
        .formatTooNew,
        "\(subject)\(place) has version \(version), which this program does not know; update filip")
    case .newerField(let field):
      self.init(
        .formatTooNew,
        "\(subject)\(place) has the field \(field), which this program does not know; update filip")
    default:
      self.init(
        .damaged,
        "\(subject)\(place) is damaged (\(damage)); see what is left: `filip verify`, then "
          + "`filip verify --repair`")
    }
  }
}

/// A size as people read it, in powers of 1,000: `312 kB`, `3.1 GB`.
func sizeText(_ byteCount: Int) -> String {
  var tenths = byteCount * 10
  for unit in ["bytes", "kB", "MB", "GB"] {
    if tenths < 9995 {
      let isSmall = tenths < 100 && unit != "bytes"
      return isSmall ? "\(tenths / 10).\(tenths % 10) \(unit)" : "\(tenths / 10) \(unit)"
    }
    tenths /= 1000
  }
  return "\(tenths / 10).\(tenths % 10) TB"
}
