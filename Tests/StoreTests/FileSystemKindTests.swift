import Testing

@testable import FilipStore

@Suite struct FileSystemKindTests {
  @Test(
    arguments: [
      (0x6969, nil, "nfs"), (0xFF53_4D42, nil, "cifs"), (0xFE53_4D42, nil, "smb2"),
      (0x517B, nil, "smb"), (0x5346_414F, nil, "afs"), (0x0102_1997, nil, "9p"),
      (0x00C3_6400, nil, "ceph"), (0x0BD0_0BD0, nil, "lustre"), (0x0116_1970, nil, "gfs2"),
      (0x7461_636F, nil, "ocfs2"), (0x6573_5546, "fuse.sshfs", "fuse.sshfs"),
      (0x6573_5546, "fuse.rclone", "fuse.rclone"),
      (0x6573_5546, "fuse.glusterfs", "fuse.glusterfs"), (0x6573_5546, "fuse.s3fs", "fuse.s3fs"),
    ] as [(UInt32, String?, String)])
  func `network file systems are recognised`(magic: UInt32, type: String?, name: String) {
    #expect(FileSystemKind(magic: magic, typeName: type).networkName == name)
  }

  @Test(
    arguments: [
      (0xEF53, nil), (0x5846_5342, nil), (0x9123_683E, nil), (0x0102_1994, nil),
      (0x794C_7630, nil), (0x6573_5546, "fuseblk"), (0x6573_5546, "fuse.mergerfs"),
      (0x6573_5546, "fuse.gocryptfs"), (0x6573_5546, nil), (0xEF53, "fuse.sshfs"),
    ] as [(UInt32, String?)])
  func `local file systems are not`(magic: UInt32, type: String?) {
    #expect(FileSystemKind(magic: magic, typeName: type).networkName == nil)
  }

  @Test func `the type is read from the kernel's table`() {
    let lines: [Substring] = [
      "22 28 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw",
      "91 28 0:53 / /mnt/with\\040space rw,nosuid,relatime shared:50 - fuse.sshfs host:/ rw,user_id=0",
      "92 28 0:54 / /mnt/optional rw - fuse.rclone remote: rw", "cut", "",
    ]
    #expect(FileSystemKind.mountedType(device: (0, 53), in: lines) == "fuse.sshfs")
    #expect(FileSystemKind.mountedType(device: (0, 54), in: lines) == "fuse.rclone")
    #expect(FileSystemKind.mountedType(device: (8, 1), in: lines) == nil)
  }

  @Test func `the refusal names the folder, the kind and the way out`() {
    let error = StoreError.networkFileSystem(path: "/mnt/photos", name: "nfs")
    #expect(error.code == .networkFileSystem)
    for part in ["/mnt/photos", "(nfs)", "local disk", "--allow-network"] {
      #expect(error.message.contains(part))
    }
  }

  @Test func `a folder that does not exist lies where those above it do`() throws {
    #expect(FileSystemKind(path: "/proc/self/nowhere") == nil)
    let proc = try #require(FileSystemKind(path: "/proc"))
    #expect(proc.magic == 0x9FA0)
    try StoreError.refuseNetwork("/proc/self/nowhere/at/all")
    try StoreError.refuseNetwork("nowhere/at/all")
  }

  @Test func `sizes are written as people read them`() {
    let cases = [
      (0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (9949, "9.9 kB"), (312_000, "312 kB"),
      (3_100_000_000, "3.1 GB"), (2_500_000_000_000, "2.5 TB"),
    ]
    for (count, text) in cases { #expect(sizeText(count) == text) }
  }
}
