package import FilipEncoders
package import SystemPackage

/// A model that is on this machine.
package struct ListedModel: Sendable {
  /// What `--model` takes for it.
  package var name: String
  /// The checkpoint's folder.
  package var path: FilePath
  /// Bytes of the files in the folder itself.
  package var byteCount: UInt64
  /// The kind of model, or why filip cannot use it.
  package var family: Result<ModelFamily, EncoderError>

  /// Installed models, then those in the cache of the Hugging Face hub, each in the order of names.
  ///
  /// Folders of the cache without a snapshot are left out: nothing has come of them yet.
  package static func all() -> [ListedModel] { all(in: HubCache()) }

  static func all(in cache: HubCache) -> [ListedModel] {
    var models: [ListedModel] = []
    for share in ModelLocation.shareDirectories {
      let folder = share.appending("models")
      for name in ((try? folder.entryNames()) ?? []).sorted(by: { $0.string < $1.string }) {
        let path = folder.pushing(name)
        guard path.appending("config.json").exists,
          !models.contains(where: { $0.name == name.string })
        else { continue }
        models.append(ListedModel(name.string, at: path))
      }
    }
    for name in cache.modelNames() {
      guard let snapshot = HubCache.snapshot(in: cache.folder(of: name)) else { continue }
      models.append(ListedModel(name, at: snapshot))
    }
    return models
  }

  private init(_ name: String, at path: FilePath) {
    self.name = name
    self.path = path
    byteCount = ((try? path.entryNames()) ?? []).reduce(0) { total, entry in
      // Files of the cache are links.
      guard let file = try? path.pushing(entry).resolved(), let status = try? FileStatus(of: file),
        status.kind == .regular
      else { return total }
      return total + status.size
    }
    do throws(EncoderError) {
      family = .success(try ModelDirectory(path: path.string).family)
    } catch {
      family = .failure(error)
    }
  }
}
