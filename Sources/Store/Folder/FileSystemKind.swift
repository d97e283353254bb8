internal import CLMDB
import Glibc

/// What is known of the file system that a folder lies on.
struct FileSystemKind: Hashable, Sendable {
  /// What the kernel calls its kind, as `statfs` reports it.
  var magic: UInt32
  /// The name of its type for file systems that a program provides (FUSE), such as `fuse.sshfs`.
  var typeName: String?
  /// Whether it is mounted for reading only.
  var isReadOnly: Bool

  /// The kind of the file system that holds `path`, or `nil` when the system does not say.
  init?(path: String) {
    var answer = statfs()
    var room = statvfs()
    // Safe because the system fills both structures.
    guard unsafe statfs(path, &answer) == 0, unsafe statvfs(path, &room) == 0 else { return nil }
    magic = UInt32(truncatingIfNeeded: answer.f_type)
    isReadOnly = room.f_flag & UInt(ST_RDONLY) != 0
    typeName = magic == Self.fuse ? Self.mountedType(at: path) : nil
  }

  /// A kind whose facts are known.
  init(magic: UInt32, typeName: String? = nil, isReadOnly: Bool = false) {
    self.magic = magic
    self.typeName = typeName
    self.isReadOnly = isReadOnly
  }

  /// What the network file system is called, or `nil` when this is not one.
  ///
  /// LMDB's map and locks do not hold between machines, so an index on one of these can be damaged
  /// by the first write from another machine.
  var networkName: String? {
    guard magic == Self.fuse else { return Self.networkNames[magic] }
    guard let typeName else { return nil }
    let name = typeName.split(separator: ".", maxSplits: 1).last.map { $0.lowercased() } ?? ""
    return Self.networkPrograms.contains { name.hasPrefix($0) } ? typeName : nil
  }
}

extension FileSystemKind {
  private static let fuse: UInt32 = 0x6573_5546

  /// Numbers from the kernel's `magic.h` and from the file systems' own sources.
  private static let networkNames: [UInt32: String] = [
    0x6969: "nfs", 0x517B: "smb", 0xFF53_4D42: "cifs", 0xFE53_4D42: "smb2", 0x5346_414F: "afs",
    0x6B41_4653: "afs", 0x7375_7245: "coda", 0x564C: "ncp", 0x0102_1997: "9p",
    0x00C3_6400: "ceph", 0x0BD0_0BD0: "lustre", 0x0116_1970: "gfs2", 0x7461_636F: "ocfs2",
    0x4750_4653: "gpfs", 0xAAD7_AAEA: "panfs", 0x1983_0326: "beegfs", 0x2003_0528: "orangefs",
    0x786F_4256: "vboxsf",
  ]

  /// How the names of programs begin that provide files of other machines.
  private static let networkPrograms = [
    "sshfs", "rclone", "glusterfs", "s3fs", "goofys", "gcsfuse", "blobfuse", "mountpoint-s3",
    "ceph", "juicefs", "mfs", "moosefs", "lizardfs", "seaweedfs", "davfs", "curlftpfs", "smbnetfs",
    "fuse-nfs", "nfs", "cvmfs", "hdfs", "fuse_dfs", "gvfsd", "kio", "google-drive", "onedriver",
    "vmhgfs", "prl_fs", "afp",
  ]

  /// The type of the mounted file system that `path` lies on, from the kernel's table.
  private static func mountedType(at path: String) -> String? {
    var status = stat()
    // Safe because the system fills the structure.
    guard unsafe stat(path, &status) == 0,
      let table = unsafe fopen("/proc/self/mountinfo", "re")
    else { return nil }
    defer { unsafe fclose(table) }
    var lines: [Substring] = []
    var line: UnsafeMutablePointer<CChar>?
    var room = 0
    defer { unsafe free(line) }
    // Safe because the system makes room for the line and ends it with a zero.
    while unsafe getline(&line, &room, table) >= 0, let line = unsafe line {
      lines.append(unsafe String(cString: line)[...])
    }
    return mountedType(device: (major(status.st_dev), minor(status.st_dev)), in: lines)
  }

  /// The type of the file system with a device number, from lines of the kernel's table: the third
  /// word is the number, the first one after a lone hyphen the type.
  static func mountedType(device: (UInt64, UInt64), in lines: [Substring]) -> String? {
    for line in lines {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count > 3, words[2] == "\(device.0):\(device.1)",
        let hyphen = words.firstIndex(of: "-"), hyphen + 1 < words.count
      else { continue }
      return String(words[hyphen + 1])
    }
    return nil
  }

  private static func major(_ device: UInt) -> UInt64 {
    UInt64(device >> 8 & 0xFFF | device >> 32 & 0xFFFF_F000)
  }

  private static func minor(_ device: UInt) -> UInt64 {
    UInt64(device & 0xFF | device >> 12 & 0xFFFF_FF00)
  }
}

/// Bytes that this user may still write to the disk that holds `path`; `nil` when unknown.
func freeByteCount(at path: String) -> Int? {
  var room = statvfs()
  // Safe because the system fills the structure.
  guard unsafe statvfs(path, &room) == 0 else { return nil }
  return Int(clamping: UInt64(room.f_bavail) * UInt64(room.f_frsize))
}

extension StoreError {
  /// The folder `path` lies on the network file system `name`.
  static func networkFileSystem(path: String, name: String) -> StoreError {
    StoreError(
      .networkFileSystem,
      "\(path) lies on a network file system (\(name)), where an index is damaged as soon as two "
        + "machines use it; put it on a local disk, or give --allow-network if one machine alone "
        + "ever opens it")
  }

  /// Refuses a folder on a network file system; one that does not exist lies where the folder above
  /// it does.
  static func refuseNetwork(_ path: String) throws(StoreError) {
    var existing = path
    while true {
      if let kind = FileSystemKind(path: existing) {
        guard let name = kind.networkName else { return }
        throw .networkFileSystem(path: path, name: name)
      }
      let parent = parentFolder(of: existing)
      if existing == "." || parent == existing { return }
      existing = parent.isEmpty ? "." : parent
    }
  }
}
