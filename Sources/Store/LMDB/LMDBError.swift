internal import CLMDB
import Glibc

/// An error code of LMDB or of the operating system below it.
///
/// LMDB reports the system's errors (`ENOSPC`, `EACCES`) through the same integer as its own. Its
/// "not found" never appears here: absence is `nil` everywhere in this module.
public struct LMDBError: Error, RawRepresentable, Hashable, Sendable {
  /// The code as LMDB returned it: negative for its own errors, positive for the system's.
  public let rawValue: CInt

  /// An error from a code that LMDB returned.
  public init(rawValue: CInt) { self.rawValue = rawValue }

  /// A page that should exist is missing. The corresponding C constant is `MDB_PAGE_NOTFOUND`.
  public static let pageNotFound = LMDBError(rawValue: MDB_PAGE_NOTFOUND)
  /// A page is not of the expected kind. The corresponding C constant is `MDB_CORRUPTED`.
  public static let corrupted = LMDBError(rawValue: MDB_CORRUPTED)
  /// An earlier update left the environment unusable. The corresponding C constant is `MDB_PANIC`.
  public static let panic = LMDBError(rawValue: MDB_PANIC)
  /// The file was made by an incompatible LMDB. The corresponding C constant is
  /// `MDB_VERSION_MISMATCH`.
  public static let versionMismatch = LMDBError(rawValue: MDB_VERSION_MISMATCH)
  /// The file is not one of LMDB's. The corresponding C constant is `MDB_INVALID`.
  public static let invalid = LMDBError(rawValue: MDB_INVALID)
  /// The memory map has no room left. The corresponding C constant is `MDB_MAP_FULL`.
  public static let mapFull = LMDBError(rawValue: MDB_MAP_FULL)
  /// Every reader slot is taken. The corresponding C constant is `MDB_READERS_FULL`.
  public static let readersFull = LMDBError(rawValue: MDB_READERS_FULL)
  /// The transaction holds too many changed pages. The corresponding C constant is `MDB_TXN_FULL`.
  public static let transactionFull = LMDBError(rawValue: MDB_TXN_FULL)
  /// Another process grew the file past our map. The corresponding C constant is
  /// `MDB_MAP_RESIZED`.
  public static let mapResized = LMDBError(rawValue: MDB_MAP_RESIZED)
  /// The named table is not a table. The corresponding C constant is `MDB_INCOMPATIBLE`.
  public static let incompatible = LMDBError(rawValue: MDB_INCOMPATIBLE)
  /// The transaction failed earlier and can only be aborted. The corresponding C constant is
  /// `MDB_BAD_TXN`.
  public static let badTransaction = LMDBError(rawValue: MDB_BAD_TXN)
  /// A key or a value has a length that LMDB does not take. The corresponding C constant is
  /// `MDB_BAD_VALSIZE`.
  public static let badValueSize = LMDBError(rawValue: MDB_BAD_VALSIZE)
  /// The disk is full. The corresponding C constant is `ENOSPC`.
  public static let noSpace = LMDBError(rawValue: ENOSPC)
  /// The user's quota is used up. The corresponding C constant is `EDQUOT`.
  public static let quotaExceeded = LMDBError(rawValue: EDQUOT)
  /// The file may not grow further. The corresponding C constant is `EFBIG`.
  public static let fileTooLarge = LMDBError(rawValue: EFBIG)
  /// The file's permissions forbid it. The corresponding C constant is `EACCES`.
  public static let accessDenied = LMDBError(rawValue: EACCES)
  /// The system forbids it. The corresponding C constant is `EPERM`.
  public static let notPermitted = LMDBError(rawValue: EPERM)
  /// The file system is mounted for reading only. The corresponding C constant is `EROFS`.
  public static let readOnlyFileSystem = LMDBError(rawValue: EROFS)
  /// Address space or memory ran out. The corresponding C constant is `ENOMEM`.
  public static let outOfMemory = LMDBError(rawValue: ENOMEM)
  /// There is no such file. The corresponding C constant is `ENOENT`.
  public static let noSuchFile = LMDBError(rawValue: ENOENT)
  /// The device failed. The corresponding C constant is `EIO`.
  public static let inputOutput = LMDBError(rawValue: EIO)

  /// The error that the last failing system call of this thread left behind.
  static var lastSystemError: LMDBError { LMDBError(rawValue: errno) }
}

extension LMDBError: CustomStringConvertible {
  /// LMDB's or the system's own words.
  public var description: String {
    // Safe because mdb_strerror answers every code with a string that ends in a zero.
    unsafe String(cString: mdb_strerror(rawValue))
  }
}
