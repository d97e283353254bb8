import FilipEncoders
import FilipStore
import SystemPackage

/// One line of a file of texts, with the name that it has in an index.
struct TextLine: Sendable {
  /// The file, a number sign, and the text's id or else the line's number, counted from 1.
  var path: FilePath
  /// The file.
  var root: FilePath
  /// When the file changed last, in nanoseconds since 1970.
  var modificationTime: Int64
  /// The line without its end.
  var bytes: [UInt8]
  /// What it says, or what is wrong with it.
  var content: Result<TextDocument, TextDocument.Problem>
}

/// The lines of a file of texts, one JSON object each. Blank lines are passed over.
struct TextLines {
  private let file: FilePath
  private let modificationTime: Int64
  private let lines: LineReader
  private var number = 0
  /// Hashes of the names that were given: 16 bytes each, whatever their length.
  private var given: Set<ContentHash> = []

  /// Opens the file.
  /// - Throws: `QueryError`.
  init(_ file: FilePath) throws(QueryError) {
    self.file = file
    lines = try LineReader(file)
    do {
      modificationTime = try FileStatus(of: file).modificationTime
    } catch {
      throw QueryError(.unreadable, "\(file): \(error)")
    }
  }

  /// Up to `count` lines more; empty behind the last.
  /// - Throws: `QueryError` when the file cannot be read.
  mutating func next(_ count: Int) throws(QueryError) -> [TextLine] {
    var found: [TextLine] = []
    while found.count < count {
      let bytes: [UInt8]
      var problem: TextDocument.Problem?
      switch try lines.nextOrSkip() {
      case .line(let line): bytes = line
      case .tooLong(let limit):
        bytes = []
        problem = TextDocument.Problem(text: "the line is longer than \(limit >> 20) MiB")
      case nil: return found
      }
      number += 1
      if problem == nil, bytes.allSatisfy({ [9, 13, 32].contains($0) }) { continue }
      found.append(named(bytes, problem))
    }
    return found
  }

  private mutating func named(_ bytes: [UInt8], _ problem: TextDocument.Problem?) -> TextLine {
    var content: Result<TextDocument, TextDocument.Problem>
    if let problem {
      content = .failure(problem)
    } else {
      do throws(TextDocument.Problem) {
        content = .success(try TextDocument(line: bytes))
      } catch {
        content = .failure(error)
      }
    }
    var name = "\(number)"
    if case .success(let document) = content {
      name = document.id ?? name
      if !given.insert(hash(name)).inserted {
        content = .failure(
          TextDocument.Problem(text: "another line of the file has the id \(name) already"))
        name = "\(number)"
      }
    }
    return TextLine(
      path: FilePath(bytes: file.bytes + Array("#\(name)".utf8)), root: file,
      modificationTime: modificationTime, bytes: bytes, content: content)
  }

  private func hash(_ name: String) -> ContentHash {
    let digest = contentDigest(of: Array(name.utf8))
    return ContentHash(high: digest.high, low: digest.low)
  }
}
