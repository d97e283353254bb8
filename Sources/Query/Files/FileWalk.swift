public import SystemPackage

/// A regular file that a walk found.
public struct FoundFile: Sendable, Hashable {
  /// Absolute path.
  public var path: FilePath
  /// Size and time when it was found.
  public var status: FileStatus
}

/// Which files below a root are looked at.
public struct WalkOptions: Sendable {
  /// Looks into files and folders whose name starts with a dot. Default false.
  public var includesHidden = false
  /// Only files whose name or path matches one of these shell patterns; empty means all.
  public var globs: [String] = []
  /// Files and folders whose name or path matches one of these are passed over.
  public var excludes: [String] = []

  /// The defaults.
  public init() {}

  /// Names that never hold pictures of the user's: thumbnails, bins and metadata of NAS boxes,
  /// systems and tools.
  static let systemNames: Set<String> = [
    "@eaDir", "#recycle", "node_modules", "System Volume Information", "$RECYCLE.BIN",
    "lost+found", ".git", ".filip",
  ]
}

/// A walk through a folder, depth first, names in byte order, links not followed.
///
/// The order is the same on every run, so ids given in walk order are too.
struct FileWalk {
  enum Event {
    case file(FoundFile)
    /// A folder or file that could not be looked at.
    case unreadable(FilePath, Errno)
  }

  let root: FilePath
  let options: WalkOptions

  /// Calls `body` with every event until it returns false.
  func forEach(_ body: (Event) -> Bool) {
    do throws(Errno) {
      let status = try FileStatus(of: root)
      if status.kind == .regular {
        _ = body(.file(FoundFile(path: root, status: status)))
      } else {
        _ = walk(root, body)
      }
    } catch {
      _ = body(.unreadable(root, error))
    }
  }

  /// Returns false once `body` did.
  private func walk(_ directory: FilePath, _ body: (Event) -> Bool) -> Bool {
    let names: [FilePath]
    do throws(Errno) {
      names = try directory.entryNames()
    } catch {
      return body(.unreadable(directory, error))
    }
    for name in names {
      let path = directory.pushing(name)
      guard isWanted(name, path) else { continue }
      do throws(Errno) {
        let status = try FileStatus(of: path)
        switch status.kind {
        case .directory:
          guard walk(path, body) else { return false }
        case .regular where isSelected(path):
          guard body(.file(FoundFile(path: path, status: status))) else { return false }
        case .regular, .symbolicLink, .other:
          continue
        }
      } catch {
        guard body(.unreadable(path, error)) else { return false }
      }
    }
    return true
  }

  private func isWanted(_ name: FilePath, _ path: FilePath) -> Bool {
    let text = name.string
    // "._" files are resource forks that macOS leaves beside pictures on foreign disks.
    if text.hasPrefix("._") || WalkOptions.systemNames.contains(text) { return false }
    if text.hasPrefix("."), !options.includesHidden { return false }
    return !options.excludes.contains { path.matches(glob: $0) }
  }

  private func isSelected(_ path: FilePath) -> Bool {
    options.globs.isEmpty || options.globs.contains { path.matches(glob: $0) }
  }
}
