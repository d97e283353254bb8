internal import CLMDB

/// One named table of an environment, opened once and usable by all its transactions.
struct Table: Hashable, Sendable {
  /// LMDB's small integer for the table.
  let handle: MDB_dbi
  /// The name that the table is stored under.
  let name: String
}
