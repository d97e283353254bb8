import Foundation
import TestSupport

/// The built `filip`, run as a user would.
struct Program {
  /// A folder for one test, removed with it.
  let folder: TemporaryDirectory
  /// Where the index goes unless a test says otherwise.
  var index: String { folder.path + "/index" }

  init() throws { folder = try TemporaryDirectory() }

  struct Outcome {
    var status: Int32
    var output: Data
    var messages: String

    var text: String { String(decoding: output, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n").map(String.init) }
  }

  /// The executable beside the test bundle.
  static let executable: URL = {
    URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
      .deletingLastPathComponent().appendingPathComponent("filip")
  }()

  /// The repository.
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  static let gallery = repository.appendingPathComponent("Examples/gallery").path

  /// A process that has not started.
  func process(_ arguments: [String], in directory: String? = nil) -> Process {
    let process = Process()
    process.executableURL = Self.executable
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: directory ?? folder.path)
    var environment = ProcessInfo.processInfo.environment
    for name in environment.keys where name.hasPrefix("FILIP_") { environment[name] = nil }
    environment["FILIP_INDEX"] = index
    environment["XDG_DATA_HOME"] = folder.path + "/data"
    environment["XDG_CACHE_HOME"] = folder.path + "/cache"
    environment["NO_COLOR"] = "1"
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    return process
  }

  /// Runs to the end.
  @discardableResult
  func run(_ arguments: String..., in directory: String? = nil) throws -> Outcome {
    try run(arguments, in: directory)
  }

  /// The same with an array of arguments.
  @discardableResult
  func run(_ arguments: [String], in directory: String? = nil) throws -> Outcome {
    try run(process(arguments, in: directory))
  }

  /// The same with another program, which may start `filip` in its turn.
  func run(executable: String, _ arguments: [String]) throws -> Outcome {
    let process = process(arguments)
    process.executableURL = URL(fileURLWithPath: executable)
    return try run(process)
  }

  private func run(_ process: Process) throws -> Outcome {
    let files = ["out", "err"].map { folder.path + "/.\($0)-\(UUID().uuidString)" }
    for file in files { _ = FileManager.default.createFile(atPath: file, contents: nil) }
    process.standardOutput = FileHandle(forWritingAtPath: files[0])
    process.standardError = FileHandle(forWritingAtPath: files[1])
    try process.run()
    process.waitUntilExit()
    defer { for file in files { try? FileManager.default.removeItem(atPath: file) } }
    return Outcome(
      status: process.terminationStatus,
      output: try Data(contentsOf: URL(fileURLWithPath: files[0])),
      messages: String(
        decoding: try Data(contentsOf: URL(fileURLWithPath: files[1])), as: UTF8.self))
  }

  /// Copies some pictures of the gallery into a new folder below the test's.
  func pictures(_ count: Int, in name: String = "pictures") throws -> String {
    let target = folder.path + "/" + name
    try FileManager.default.createDirectory(
      atPath: target, withIntermediateDirectories: true)
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.gallery)
      .filter { $0.hasPrefix("scene-") }.sorted()
    for name in names.prefix(count) {
      try FileManager.default.copyItem(
        atPath: Self.gallery + "/" + name, toPath: target + "/" + name)
    }
    return target
  }
}
