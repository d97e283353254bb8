/// How an LMDB environment is opened.
struct EnvironmentOptions: Sendable {
  /// Address space to reserve, in bytes; default 1 TiB.
  ///
  /// It costs neither disk nor memory. Where the system refuses, half of it is tried, and so on
  /// down to `smallestMapByteCount`. It doubles when the file outgrows it, see `growMap`.
  var mapByteCount = 1 << 40
  /// The least address space worth opening with; default 1 GiB.
  var smallestMapByteCount = 1 << 30
  /// How long growing waits for this process's transactions to end; default 10 s.
  var growthPatience = Duration.seconds(10)
  /// Readers of all processes together; default 512.
  var maximumReaderCount: UInt32 = 512
  /// Named tables; default 16.
  var maximumTableCount: UInt32 = 16
  /// Whether commits wait for the disk; not needed of a file that is synchronised when complete.
  var isDurable = true
  /// Whether a damaged note of the layout is made up for by what the tables hold.
  var infersLayout = false
}
