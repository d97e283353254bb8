import Testing

@testable import FilipStore

@Suite struct EnvironmentTests {
  let folder = TemporaryFolder()
  let environment: Environment
  let table: Table

  init() throws {
    environment = try Environment(path: folder.path)
    var transaction = try environment.beginWrite()
    table = try transaction.makeTable("table")
    for number: UInt8 in [3, 1, 2] {
      try transaction.put([number], forKey: [number, number], in: table)
    }
    try transaction.commit()
  }

  func value(_ key: [UInt8]) throws -> [UInt8]? {
    let transaction = try environment.beginRead()
    return try transaction.value(in: table, forKey: key)
  }

  @Test func `a write that is dropped changes nothing`() throws {
    do {
      var transaction = try environment.beginWrite()
      try transaction.put([9], forKey: [1, 1], in: table)
      try #expect(transaction.value(in: table, forKey: [1, 1]) == [9])
    }
    try #expect(value([1, 1]) == [1])
  }

  @Test func `what is missing is nil or false`() throws {
    try #expect(value([7]) == nil)
    var transaction = try environment.beginWrite()
    try #expect(transaction.remove([7], in: table) == false)
    try #expect(transaction.remove([1, 1], in: table))
    try #expect(transaction.openTable("other") == nil)
  }

  @Test func `a cursor walks in the order of keys`() throws {
    let transaction = try environment.beginRead()
    var keys: [[UInt8]] = []
    try transaction.withCursor(in: table) { cursor in
      while try cursor.advance() { cursor.withEntry { key, _ in keys.append(Array(key)) } }
      try #expect(cursor.advance(to: [2]))
      #expect(cursor.withEntry { _, value in Array(value) } == [2])
      try #expect(cursor.advance(to: [3, 3]))
      try #expect(cursor.advance(to: [3, 4]) == false)
      try #expect(cursor.advanceToLast())
      #expect(cursor.withEntry { key, _ in Array(key) } == [3, 3])
    }
    #expect(keys == [[1, 1], [2, 2], [3, 3]])
  }

  @Test func `empty values are values`() throws {
    var transaction = try environment.beginWrite()
    try transaction.put([], forKey: [5], in: table)
    try transaction.commit()
    try #expect(value([5]) == [])
  }

  @Test func `a key that LMDB does not take is an error`() throws {
    let error = storeError {
      var transaction = try environment.beginWrite()
      try transaction.put([1], forKey: [UInt8](repeating: 1, count: 512), in: table)
    }
    #expect(error?.underlying == .badValueSize)
  }

  @Test(arguments: [
    (LMDBError.noSpace, StoreError.Code.diskFull), (.quotaExceeded, .diskFull),
    (.mapFull, .mapFull), (.accessDenied, .permissionDenied),
    (.readOnlyFileSystem, .permissionDenied), (.corrupted, .damaged), (.invalid, .damaged),
    (.versionMismatch, .incompatibleLibrary), (.readersFull, .readersFull),
    (.noSuchFile, .notFound), (.outOfMemory, .unavailable), (.inputOutput, .unavailable),
  ])
  func `problems of the world are told apart`(error: LMDBError, code: StoreError.Code) {
    let translated = StoreError(error, path: "/index", doing: "reading")
    #expect(translated.code == code)
    #expect(translated.message.contains("/index"))
  }
}
