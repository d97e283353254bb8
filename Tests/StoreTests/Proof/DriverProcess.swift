import Foundation
import TestSupport

/// The program `StoreDriver`, in a process of its own.
struct DriverProcess {
  /// The executable beside the test bundle.
  private static let executable = URL(fileURLWithPath: CommandLine.arguments[0])
    .resolvingSymlinksInPath().deletingLastPathComponent().appendingPathComponent("StoreDriver")

  let process = Process()
  private let output = Pipe()

  /// Starts it with a role and values.
  init(_ role: String, _ values: KeyValuePairs<String, String>) throws {
    process.executableURL = Self.executable
    process.arguments = [role] + values.map { "\($0)=\($1)" }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
  }

  /// Waits for the end.
  /// - Returns: whether it was killed, its exit status or the signal, and what it said.
  func wait() -> (isKilled: Bool, status: Int32, text: String) {
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (
      process.terminationReason == .uncaughtSignal, process.terminationStatus,
      String(decoding: data, as: UTF8.self)
    )
  }
}

/// What a run of the driver's writer left behind.
struct DriverJournal {
  let lines: [String]

  init(path: String) {
    let data = FileManager.default.contents(atPath: path) ?? Data()
    lines = String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// The last commit that was reported as made; 0 for none.
  var committed: UInt64 { last("committed") }
  /// The last commit that was begun; 0 for none.
  var begun: UInt64 { last("begin") }
  /// How many calls an undisturbed run made; 0 for one that did not end.
  var callCount: UInt64 { last("calls") }
  /// The call that something happened at.
  var struck: String? { lines.first { $0.hasPrefix("struck ") } }

  private func last(_ word: String) -> UInt64 {
    let line = lines.last { $0.hasPrefix(word + " ") }
    return line.flatMap { UInt64($0.split(separator: " ")[1]) } ?? 0
  }
}
