import FilipEncoders
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct ModelLocationTests {
  private let folder: TemporaryDirectory
  private let cache: HubCache

  init() throws {
    let folder = try TemporaryDirectory()
    self.folder = folder
    cache = HubCache { $0 == "HF_HUB_CACHE" ? folder.path + "/hub" : nil }
  }

  private func make(_ path: String, _ text: String = "") throws {
    let url = URL(fileURLWithPath: folder.path + "/" + path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// A model as the hub's client keeps it: its files are links to blobs.
  private func makeCached(_ name: String, commit: String, files: [String]) throws {
    let model = "hub/models--" + name.replacingOccurrences(of: "/", with: "--")
    let snapshot = folder.path + "/\(model)/snapshots/\(commit)"
    try FileManager.default.createDirectory(
      atPath: snapshot, withIntermediateDirectories: true)
    for file in files {
      try make("\(model)/blobs/\(commit)-\(file)", "{}")
      try FileManager.default.createSymbolicLink(
        atPath: snapshot + "/" + file,
        withDestinationPath: "../../blobs/\(commit)-\(file)")
    }
  }

  private func location(_ text: String) throws -> ModelLocation {
    try ModelLocation(text, cache: cache)
  }

  private func refusal(_ text: String) -> String {
    let error = #expect(throws: QueryError.self) { _ = try location(text) }
    #expect(error?.code == .notFound && error?.message.contains("\n") == false)
    return error?.message ?? ""
  }

  // MARK: - The hub's cache

  @Test func `a hub name is the snapshot that refs names`() throws {
    try makeCached("org/name", commit: "aaaa", files: ["config.json"])
    try makeCached("org/name", commit: "bbbb", files: ["config.json"])
    try make("hub/models--org--name/refs/main", "bbbb\n")
    let found = try location("org/name")
    #expect(found.name == "org/name" && !found.isBundled && found.shortName == "name")
    #expect(found.path.string == folder.path + "/hub/models--org--name/snapshots/bbbb")

    // The folder of the model is another name for it, and stays one.
    let model = folder.path + "/hub/models--org--name"
    let direct = try location(model)
    #expect(direct.path == found.path && direct.name == model)
    #expect(try location(direct.name) == direct)
  }

  @Test func `without refs the only snapshot counts, and of two none`() throws {
    try makeCached("org/name", commit: "aaaa", files: ["open_clip_config.json"])
    #expect(try location("org/name").path.lastComponent?.string == "aaaa")
    try makeCached("org/name", commit: "bbbb", files: ["open_clip_config.json"])
    #expect(refusal("org/name").contains("filip model pull org/name"))
  }

  @Test func `a name that is not in the cache says where it was looked for and how to get it`()
    throws
  {
    let message = refusal("google/some-model")
    #expect(message.contains(folder.path + "/hub/models--google--some-model"))
    #expect(message.contains("filip model pull google/some-model"))
    // A snapshot of weights alone, and a reference that leads out of the cache or nowhere.
    try makeCached("org/half", commit: "aaaa", files: ["model.safetensors"])
    #expect(refusal("org/half").contains("config.json"))
    try make("hub/models--org--half/config.json")
    for reference in ["..", "../../..", "", "cccc"] {
      try make("hub/models--org--half/refs/main", reference)
      #expect(refusal("org/half").contains("filip model pull org/half"))
    }
  }

  @Test func `only two plain words are the name of a hub's model`() {
    for name in ["openai/clip-vit-base-patch32", "a/b", "A1_2/x.y"] {
      #expect(HubCache.isModelName(name))
    }
    for text in ["a", "a/", "/a", "./a", "a/..", "a/b/c", "ä/b", "a b/c", "a/b`", "a/b{"] {
      #expect(!HubCache.isModelName(text), "\(text)")
    }
  }

  @Test func `the cache is where the hub's client has it`() {
    func cache(_ variables: [String: String]) -> String {
      HubCache { variables[$0] }.folder.string
    }
    #expect(cache(["HOME": "/h"]) == "/h/.cache/huggingface/hub")
    #expect(cache(["HOME": "/h", "XDG_CACHE_HOME": "/x"]) == "/x/huggingface/hub")
    #expect(cache(["HOME": "/h", "XDG_CACHE_HOME": "/x", "HF_HOME": "~/f"]) == "/h/f/hub")
    #expect(cache(["HF_HOME": "/f", "HF_HUB_CACHE": "/c"]) == "/c")
  }

  // MARK: - Paths

  @Test func `a path that exists is taken before the cache`() throws {
    try make("model/config.json")
    #expect(try location(folder.path + "/model").path.string == folder.path + "/model")
    #expect(refusal(folder.path + "/missing/").contains("no model here"))
    try make("empty/readme.md")
    #expect(refusal(folder.path + "/empty").contains("weight file (.safetensors"))
  }

  @Test func `a weight file is a model, and a link to one stays where it is`() throws {
    try make("weights/ViT.pt")
    #expect(try location(folder.path + "/weights/ViT.pt").name == folder.path + "/weights/ViT.pt")
    // The cache's own file has no neighbours that belong to it.
    try makeCached("org/name", commit: "aaaa", files: ["ViT.pt"])
    let link = folder.path + "/hub/models--org--name/snapshots/aaaa/ViT.pt"
    #expect(try location(link).path.string == link)
    try make("weights/notes.txt")
    #expect(refusal(folder.path + "/weights/notes.txt").contains("no model here"))
  }

  @Test func `a bare name that is not installed says what else can be given`() {
    let message = refusal("no-such-model")
    #expect(message.contains("--model ./no-such-model") && message.contains("org/name"))
  }
}
