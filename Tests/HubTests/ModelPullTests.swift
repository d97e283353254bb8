import FilipQuery
import Foundation
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import FilipHub

/// Against a server of our own that behaves, and misbehaves, as the hub and what lies between do.
@Suite struct ModelPullTests {
  private static let commit = String(repeating: "0123456789", count: 4)
  /// Content with the names that `git hash-object` and `sha256sum` give it.
  private static let configuration = Array(#"{"model_type":"clip"}"#.utf8)
  private static let configurationName = "f2484fdc5c224002b0b57218c65e7e434fe8d4f3"
  private static let weights = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 * 7 + $0 >> 8) }
  private static let weightsName =
    "d08928a168952dcd1f23061570816ee3b9d5c5c01ec65e00adbda68d328f4dbb"

  private static let listing = #"""
    {"sha": "\#(commit)", "siblings": [
      {"rfilename": ".gitattributes", "size": 6, "blobId": "\#(git)"},
      {"rfilename": "config.json", "size": 21, "blobId": "\#(configurationName)"},
      {"rfilename": "1_Pooling/config.json", "size": 6, "blobId": "\#(git)"},
      {"rfilename": "onnx/model.onnx", "size": 6, "blobId": "\#(git)"},
      {"rfilename": "pytorch_model.bin", "size": 6, "blobId": "\#(git)"},
      {"rfilename": "model.safetensors", "size": 300000, "blobId": "\#(git)",
       "lfs": {"sha256": "\#(weightsName)", "size": 300000, "pointerSize": 134}}]}
    """#
  /// `hello` and a line feed.
  private static let git = "ce013625030ba8dba906f756967f9e9ca394464a"

  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  private func settings(_ server: LocalServer, _ more: [String: String] = [:]) throws -> HubSettings
  {
    var variables = ["HF_ENDPOINT": server.address, "HF_HOME": folder.path + "/hf"]
    variables.merge(more) { $1 }
    var settings = try HubSettings { variables[$0] }
    settings.pause = .milliseconds(1)
    settings.patience = .seconds(20)
    return settings
  }

  private func pull(_ settings: HubSettings) async throws -> PullSummary {
    try await ModelPull("org/name", settings: settings).run()
  }

  private func failure(_ settings: HubSettings) async -> HubError? {
    await #expect(throws: HubError.self) { _ = try await pull(settings) }
  }

  /// What the hub answers when nothing goes wrong.
  private static func content(_ target: String) -> LocalServer.Answer {
    let resolved = "/org/name/resolve/\(commit)/"
    return switch target {
    case "/api/models/org/name/revision/main?blobs=true": .init(body: Array(listing.utf8))
    case resolved + "config.json": .init(body: configuration)
    case resolved + "1_Pooling/config.json": .init(body: Array("hello\n".utf8))
    case resolved + "model.safetensors": .init(body: weights)
    default: .init(status: 404)
    }
  }

  /// The part that a request asks for.
  private static func part(_ request: LocalServer.Request) -> LocalServer.Answer {
    var answer = content(request.target)
    if let range = request.headers["range"], let first = Int(range.dropFirst(6).dropLast()) {
      answer.status = 206
      answer.headers["Content-Range"] =
        "bytes \(first)-\(answer.body.count - 1)/\(answer.body.count)"
      answer.body.removeFirst(first)
    }
    return answer
  }

  private var model: String { folder.path + "/hf/hub/models--org--name" }

  /// Where the weights gather while they come.
  private var partial: String { model + "/blobs/" + Self.weightsName + ".incomplete" }

  private func expectWhole() throws {
    let snapshot = model + "/snapshots/" + Self.commit
    let files = FileManager.default
    #expect(files.contents(atPath: snapshot + "/config.json") == Data(Self.configuration))
    #expect(files.contents(atPath: snapshot + "/model.safetensors") == Data(Self.weights))
    #expect(files.contents(atPath: model + "/refs/main") == Data(Self.commit.utf8))
    #expect(
      try Set(files.contentsOfDirectory(atPath: model + "/blobs"))
        == [Self.configurationName, Self.git, Self.weightsName])
  }

  // MARK: - What is fetched, and where it lies

  @Test func `what filip reads lies as the hub's own client would lay it`() async throws {
    let server = LocalServer(Self.part)
    let summary = try await pull(settings(server))
    try expectWhole()
    let snapshot = model + "/snapshots/" + Self.commit
    #expect(summary.folder.string == snapshot && summary.commit == Self.commit)
    #expect(summary.fileCount == 3 && summary.fetchedByteCount == 300_027)
    let files = FileManager.default
    #expect(
      try files.subpathsOfDirectory(atPath: snapshot).sorted()
        == ["1_Pooling", "1_Pooling/config.json", "config.json", "model.safetensors"])
    #expect(
      try files.destinationOfSymbolicLink(atPath: snapshot + "/model.safetensors")
        == "../../blobs/" + Self.weightsName)
    #expect(
      try files.destinationOfSymbolicLink(atPath: snapshot + "/1_Pooling/config.json")
        == "../../../blobs/" + Self.git)

    let again = try await pull(settings(server))
    #expect(again.fetchedByteCount == 0 && again.byteCount == 300_027)
    #expect(server.requests.count == 5, "the list once more, and no file")
  }

  @Test func `a model is not found before it is whole`() async throws {
    let server = LocalServer { request in
      request.target.hasSuffix("model.safetensors")
        ? .init(status: 404) : Self.part(request)
    }
    let error = try await failure(settings(server))
    #expect(error?.code == .notFound && error?.message.contains("model.safetensors") == true)
    #expect(!FileManager.default.fileExists(atPath: model + "/refs/main"))
  }

  @Test func `weights are taken in one form, shards together`() throws {
    func chosen(_ names: [String]) throws -> [String] {
      let files = names.map { HubFile(name: $0, byteCount: 1, checksum: .git(Self.git)) }
      return try NeededFiles.choose(from: files, model: "org/name").map(\.name)
    }
    #expect(
      try chosen([
        "config.json", "README.md", "merges.txt", "spiece.model", "tf_model.h5",
        "model.safetensors.index.json", "model-00001-of-00002.safetensors", "pytorch_model.bin",
        "model-00002-of-00002.safetensors", "onnx/model.onnx", "onnx/config.json",
      ]) == [
        "config.json", "merges.txt", "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors", "model.safetensors.index.json", "spiece.model",
      ])
    #expect(try chosen(["ViT-B-32.pt", "a.txt"]) == ["ViT-B-32.pt", "a.txt"])
    #expect(
      try chosen(["open_clip_pytorch_model.bin", "open_clip_config.json"])
        == ["open_clip_config.json", "open_clip_pytorch_model.bin"])
    #expect(throws: HubError.self) { try chosen(["config.json"]) }
    #expect(throws: HubError.self) { try chosen(["a.pt", "b.pt"]) }
  }

  // MARK: - Faults

  @Test func `a transfer that is cut goes on where it was cut`() async throws {
    let partial = partial
    let server = LocalServer { request in
      var answer = Self.part(request)
      guard request.target.hasSuffix("model.safetensors") else { return answer }
      answer.cutAfter = min(70_000, answer.body.count)
      let end = 300_000 - answer.body.count + min(70_000, answer.body.count)
      if end < 300_000 { answer.beforeCut = { waitForFile(partial, byteCount: end) } }
      return answer
    }
    let summary = try await pull(settings(server))
    try expectWhole()
    #expect(summary.fetchedByteCount == 300_027, "no byte came twice")
    let ranges = server.requests.filter { $0.target.hasSuffix("safetensors") }
      .map { $0.headers["range"] }
    #expect(
      ranges
        == [nil, "bytes=70000-", "bytes=140000-", "bytes=210000-", "bytes=280000-"])
  }

  @Test func `what an earlier run has left is not fetched again`() async throws {
    let partial = partial
    let cutting = LocalServer { request in
      var answer = Self.part(request)
      if request.target.hasSuffix("model.safetensors") {
        answer.cutAfter = request.headers["range"] == nil ? 100_000 : 0
        answer.beforeCut = { waitForFile(partial, byteCount: 100_000) }
      }
      return answer
    }
    let error = try await failure(settings(cutting))
    #expect(error?.code == .unavailable && error?.message.contains("is kept") == true)
    let server = LocalServer(Self.part)
    let summary = try await pull(settings(server))
    try expectWhole()
    #expect(summary.fetchedByteCount == 200_000)
  }

  @Test func `a server that knows no ranges sends everything again`() async throws {
    let count = Mutex(0)
    let server = LocalServer { request in
      var answer = Self.content(request.target)
      if request.target.hasSuffix("model.safetensors"),
        count.withLock({
          $0 += 1; return $0
        }) < 3
      {
        answer.cutAfter = 100_000
      }
      return answer
    }
    _ = try await pull(settings(server))
    try expectWhole()
  }

  @Test(arguments: [-1, 1]) func `a file of another length than announced is no blob`(
    change: Int
  ) async throws {
    let server = LocalServer { request in
      var answer = Self.part(request)
      guard request.target.hasSuffix("model.safetensors") else { return answer }
      answer.body = change > 0 ? answer.body + [0] : answer.body.dropLast()
      return answer
    }
    let error = try await failure(settings(server))
    #expect(error?.code == (change > 0 ? .damaged : .unavailable))
    #expect(!FileManager.default.fileExists(atPath: model + "/blobs/" + Self.weightsName))
    #expect(!FileManager.default.fileExists(atPath: model + "/refs/main"))
  }

  @Test(arguments: [1, 9]) func `content with another checksum is fetched once more, then refused`(
    wrongCount: Int
  ) async throws {
    let count = Mutex(0)
    let server = LocalServer { request in
      var answer = Self.part(request)
      if request.target.hasSuffix("model.safetensors"),
        count.withLock({
          $0 += 1; return $0
        }) <= wrongCount
      {
        answer.body[150_000] ^= 1
      }
      return answer
    }
    guard wrongCount > 1 else {
      _ = try await pull(settings(server))
      return try expectWhole()
    }
    let error = try await failure(settings(server))
    #expect(error?.code == .damaged && error?.message.contains("checksum") == true)
    #expect(count.withLock { $0 } == 2)
    #expect(!FileManager.default.fileExists(atPath: model + "/blobs/" + Self.weightsName))
  }

  @Test func `errors that pass are waited for, others are said at once`() async throws {
    let count = Mutex(0)
    let server = LocalServer { request in
      let number = count.withLock { count in
        count += 1
        return count
      }
      return switch number {
      case 1: .init(status: 503)
      case 3: .init(status: 429, headers: ["Retry-After": "0"])
      case 4: .init(headers: ["Content-Length": "21"], cutAfter: 0)
      default: Self.part(request)
      }
    }
    _ = try await pull(settings(server))
    try expectWhole()

    for (status, code, words) in [
      (401, HubError.Code.notAllowed, "HF_TOKEN"), (404, .notFound, "no such model"),
      (500, .unavailable, "500"), (418, .unavailable, "418"),
    ] {
      let refusing = LocalServer { _ in .init(status: status) }
      let error = try await failure(settings(refusing))
      #expect(error?.code == code && error?.message.contains(words) == true, "\(status)")
      #expect(refusing.requests.count == (status == 500 ? 5 : 1))
    }
    let nobody = try settings(server, ["HF_ENDPOINT": "http://127.0.0.1:9"])
    #expect(await failure(nobody)?.code == .unavailable)
  }

  @Test func `a list that cannot be trusted writes nothing outside the model's folder`()
    async throws
  {
    for (listing, words) in [
      ("[]", "no commit"), ("{", "cannot be used"), (#"{"sha": "../../../x"}"#, "no commit"),
      (#"{"sha": "\#(Self.commit)"}"#, "no files"),
      (
        Self.listing.replacingOccurrences(of: "\"config.json\"", with: "\"../../config.json\""),
        "../../config.json"
      ),
      (Self.listing.replacingOccurrences(of: Self.git, with: "../../../x"), "checksum"),
      (Self.listing.replacingOccurrences(of: "\"size\": 6", with: "\"size\": -6"), "checksum"),
    ] {
      let server = LocalServer { _ in .init(body: Array(listing.utf8)) }
      let error = try await failure(settings(server))
      #expect(error?.code == .damaged && error?.message.contains(words) == true, "\(listing)")
      #expect(!FileManager.default.fileExists(atPath: folder.path + "/hf"))
    }
  }

  // MARK: - Who is asked, and what they are told

  @Test func `the token goes to the hub and not where it leads`() async throws {
    let storage = LocalServer { request in
      var request = request
      request.target = String(request.target.dropFirst("/store".count))
      return Self.part(request)
    }
    let address = storage.address
    let hub = LocalServer { request in
      switch request.target {
      case "/org/name/resolve/\(Self.commit)/model.safetensors":
        .init(status: 302, headers: ["Location": address + "/store" + request.target])
      case "/org/name/resolve/\(Self.commit)/config.json":
        .init(status: 307, headers: ["Location": "/moved/config.json"])
      case "/moved/config.json": .init(body: Self.configuration)
      default: Self.part(request)
      }
    }
    _ = try await pull(settings(hub, ["HF_TOKEN": "hf_secret"]))
    try expectWhole()
    #expect(hub.requests.allSatisfy { $0.headers["authorization"] == "Bearer hf_secret" })
    #expect(storage.requests.count == 1)
    #expect(storage.requests.allSatisfy { $0.headers["authorization"] == nil })
    #expect(hub.requests.allSatisfy { $0.headers["accept-encoding"] == "identity" })
  }

  @Test func `redirections that lead nowhere end`() async throws {
    for location in ["/org/name", "", "ftp://example.invalid/x"] {
      let server = LocalServer { _ in .init(status: 302, headers: ["Location": location]) }
      #expect(try await failure(settings(server))?.code == .damaged, "\(location)")
    }
  }

  @Test func `a token may lie in a file`() throws {
    let path = folder.path + "/token"
    try "hf_of_a_file\n".write(toFile: path, atomically: true, encoding: .utf8)
    let home = folder.path
    #expect(try HubSettings { $0 == "HF_HOME" ? home : nil }.token == "hf_of_a_file")
    #expect(try HubSettings { $0 == "HF_TOKEN_PATH" ? path : nil }.token == "hf_of_a_file")
    #expect(
      try HubSettings { ["HF_TOKEN_PATH": path, "HF_TOKEN": "hf_other"][$0] }.token == "hf_other")
  }

  @Test func `offline means that nothing is asked`() async throws {
    let server = LocalServer(Self.part)
    for value in ["1", "ON", "yes", "True"] {
      let error = try await failure(settings(server, ["HF_HUB_OFFLINE": value]))
      #expect(error?.code == .unavailable && error?.message.contains("HF_HUB_OFFLINE") == true)
    }
    #expect(server.requests.isEmpty)
    _ = try await pull(settings(server, ["HF_HUB_OFFLINE": "0"]))
  }

  @Test func `a proxy is asked for every address but those it is not for`() async throws {
    let proxy = LocalServer { request in
      request.tunnel?.target == "hub.invalid:80" ? Self.part(request) : .init(status: 404)
    }
    let variables = [
      "HF_ENDPOINT": "http://hub.invalid",
      "http_proxy": "http://user:word@127.0.0.1:\(proxy.port)",
    ]
    let summary = try await pull(settings(proxy, variables))
    #expect(summary.fileCount == 3)
    #expect(
      proxy.requests.allSatisfy {
        $0.tunnel?.headers["proxy-authorization"] == "Basic dXNlcjp3b3Jk"
      })

    let direct = try settings(proxy, variables.merging(["NO_PROXY": "x, .invalid"]) { $1 })
    #expect(try direct.proxy(for: #require(URL(string: "http://hub.invalid"))) == nil)
    #expect(try direct.proxy(for: #require(URL(string: "http://hub.example"))) != nil)
    #expect(try direct.proxy(for: #require(URL(string: "https://hub.example"))) == nil)
    let all = try settings(proxy, variables.merging(["NO_PROXY": "*"]) { $1 })
    #expect(try all.proxy(for: #require(URL(string: "http://hub.example"))) == nil)
  }

  @Test func `names and settings of another form are refused`() async throws {
    let server = LocalServer(Self.part)
    let good = try settings(server)
    for name in ["name", "a/b/c", "../name", "org/", "org/na me"] {
      #expect(throws: HubError.self) { _ = try ModelPull(name, settings: good) }
    }
    for revision in ["", "../main", "a//b"] {
      #expect(throws: HubError.self) {
        _ = try ModelPull("org/name", revision: revision, settings: good)
      }
    }
    #expect(throws: HubError.self) { _ = try settings(server, ["HF_ENDPOINT": "hub"]) }
    let proxied = try settings(server, ["HTTP_PROXY": "socks5://127.0.0.1:1"])
    #expect(await failure(proxied)?.code == .usage)
  }

  @Test func `two programs do not fetch the same file twice`() async throws {
    let server = LocalServer(Self.part)
    let settings = try settings(server)
    async let first = pull(settings)
    async let second = pull(settings)
    let counts = try await [first.fetchedByteCount, second.fetchedByteCount]
    #expect(counts.reduce(0, +) == 300_027)
    try expectWhole()
  }
}

/// Waits until a file has grown to a size, is gone again, or ten seconds have passed: what a client has
/// not taken in when its connection is cut may be lost.
private func waitForFile(_ path: String, byteCount: Int) {
  for _ in 0..<1_000 {
    let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
    if size ?? 0 >= byteCount { return }
    usleep(10_000)
  }
}
