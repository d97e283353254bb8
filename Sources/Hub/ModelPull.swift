internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
import FilipQuery
package import SystemPackage

/// How far a model has come.
package struct PullProgress: Sendable {
  /// The file that is being fetched.
  package var file: String
  /// Bytes of all files that are there.
  package var finishedByteCount: Int
  /// Bytes of all files.
  package var byteCount: Int
}

/// What `ModelPull` did.
package struct PullSummary: Sendable {
  /// The snapshot's folder.
  package var folder: FilePath
  /// The commit, 40 hexadecimal digits.
  package var commit: String
  /// Files of the model that filip reads.
  package var fileCount: Int
  /// Bytes of them.
  package var byteCount: Int
  /// Bytes that had to be fetched.
  package var fetchedByteCount: Int
}

/// Fetches a model from the Hugging Face hub into the cache of the hub's own client, so that either
/// finds the other's files.
///
/// ```
/// list of files of one commit ──▶ blobs/CHECKSUM.incomplete ──checksum──▶ blobs/CHECKSUM
///   ──link──▶ snapshots/COMMIT/FILE ──when all are there──▶ refs/REVISION
/// ```
/// A transfer that was cut goes on where it was cut. A file counts only when its length and checksum
/// are those of the list. `refs/REVISION` is written last: a model is found when it is whole.
package struct ModelPull: Sendable {
  private let model: String
  private let revision: String
  private let settings: HubSettings

  /// - Parameters:
  ///   - model: `org/name`.
  ///   - revision: a branch, a tag or a commit.
  /// - Throws: `HubError.usage` for a name of another form.
  package init(
    _ model: String, revision: String = "main", settings: HubSettings
  ) throws(HubError) {
    guard HubCache.isModelName(model) else {
      throw HubError(.usage, "\(model) is no model of the hub; give its name as org/name")
    }
    let parts = revision.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }), !revision.utf8.contains(0)
    else { throw HubError(.usage, "\(revision) is no revision; give a branch, a tag or a commit") }
    self.model = model
    self.revision = revision
    self.settings = settings
  }

  /// Fetches what is missing.
  /// - Throws: `HubError`, `CancellationError`; what has come stays for the next try.
  package func run(
    progress: @escaping @Sendable (PullProgress) -> Void = { _ in }
  ) async throws -> PullSummary {
    guard !settings.isOffline else {
      throw HubError(
        .unavailable,
        "HF_HUB_OFFLINE is set, so \(model) is not fetched; unset it, or name a folder")
    }
    let connection = try HubConnection(settings)
    do {
      let summary = try await run(connection, progress)
      await connection.close()
      return summary
    } catch {
      await connection.close()
      throw error
    }
  }

  private func run(
    _ connection: HubConnection, _ progress: @Sendable (PullProgress) -> Void
  ) async throws -> PullSummary {
    let listing = try await listing(connection)
    let files = try NeededFiles.choose(from: listing.files, model: model)
    let layout = try PullLayout(
      settings.cache.folder(of: model), locks: settings.cache.locks(of: model), listing.commit)
    var summary = PullSummary(
      folder: layout.snapshot, commit: listing.commit, fileCount: files.count,
      byteCount: files.reduce(0) { $0 + $1.byteCount }, fetchedByteCount: 0)
    var finishedByteCount = 0
    for file in files {
      let earlier = finishedByteCount
      let report: (Int) -> Void = { count in
        progress(
          PullProgress(
            file: file.name, finishedByteCount: earlier + count, byteCount: summary.byteCount))
      }
      summary.fetchedByteCount += try await fetch(file, layout, connection, report)
      try layout.link(file)
      finishedByteCount += file.byteCount
    }
    try layout.record(revision)
    return summary
  }

  private func listing(_ connection: HubConnection) async throws -> HubListing {
    let address =
      "\(settings.endpoint)/api/models/\(model)/revision/\(Self.escaped(revision))?blobs=true"
    let bytes = try await connection.retrying(model) { () async throws -> [UInt8] in
      let response = try await connection.get(address)
      if let failure = HubConnection.failure(response, model, settings) { throw failure }
      return Array(buffer: try await response.body.collect(upTo: 64 << 20))
    }
    return try HubListing(parsing: bytes, model: model)
  }

  /// Fetches a file unless it is there.
  /// - Returns: bytes that were fetched.
  private func fetch(
    _ file: HubFile, _ layout: PullLayout, _ connection: HubConnection,
    _ report: (_ byteCount: Int) -> Void
  ) async throws -> Int {
    let blob = layout.blob(file)
    if layout.isComplete(file) {
      report(file.byteCount)
      return 0
    }
    let lock = try await BlobLock(layout.lock(file))
    defer { withExtendedLifetime(lock) {} }
    if layout.isComplete(file) { return 0 }
    let partial = try PartialBlob(file, at: layout.partial(file))
    let address =
      "\(settings.endpoint)/\(model)/resolve/\(layout.commit)/"
      + file.name.split(separator: "/").map { Self.escaped(String($0)) }.joined(separator: "/")
    var fetchedByteCount = 0
    for attempt in 1...2 {
      try await connection.retrying(file.name, progress: { fetchedByteCount }) {
        while partial.byteCount < file.byteCount {
          try await fetchRest(of: file, partial, address, connection) { count in
            fetchedByteCount += count
            report(partial.byteCount)
          }
        }
      }
      if try partial.finish(as: blob) { break }
      guard attempt == 1 else {
        throw HubError(
          .damaged,
          "\(file.name): what comes is not what the hub announced (checksum); try again later")
      }
    }
    report(file.byteCount)
    return fetchedByteCount
  }

  private func fetchRest(
    of file: HubFile, _ partial: PartialBlob, _ address: String, _ connection: HubConnection,
    _ added: (_ byteCount: Int) -> Void
  ) async throws {
    let response = try await connection.get(address, from: partial.byteCount)
    if response.status.code == 416 {
      try partial.startAgain()
      throw HubConnection.Temporary(description: "the hub cannot go on where it was cut")
    }
    if let failure = HubConnection.failure(response, "\(model), \(file.name)", settings) {
      throw failure
    }
    let range = response.headers.first(name: "Content-Range")
    let isRest = range?.hasPrefix("bytes \(partial.byteCount)-") == true
    // A server need not know ranges; then everything comes again.
    if response.status.code != 206 || !isRest { try partial.startAgain() }
    let before = partial.byteCount
    for try await buffer in response.body {
      try buffer.withUnsafeReadableBytes { try unsafe partial.append($0) }
      added(buffer.readableBytes)
    }
    if partial.byteCount == before, partial.byteCount < file.byteCount {
      throw HubConnection.Temporary(description: "the hub sends nothing")
    }
  }

  /// A part of an address, every odd byte as `%XX`.
  private static func escaped(_ text: String) -> String {
    text.addingPercentEncoding(
      withAllowedCharacters: CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"))
      ?? text
  }
}
