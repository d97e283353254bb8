import FilipEncoders

/// What a file's content must be, as the hub says.
enum BlobChecksum: Hashable, Sendable {
  /// SHA-256 of the content: files in large file storage.
  case sha256(String)
  /// SHA-1 of `blob`, a blank, the length, a zero and the content, as git has it: all others.
  case git(String)

  /// The name of the blob in the cache, which is the hub's entity tag.
  var name: String {
    switch self {
    case .sha256(let digits), .git(let digits): digits
    }
  }
}

/// A file of a model on the hub.
struct HubFile: Hashable, Sendable {
  /// Its name in the model's folder; with slashes when it lies deeper.
  var name: String
  /// Bytes.
  var byteCount: Int
  var checksum: BlobChecksum
}

/// The files of one commit of a model.
struct HubListing: Sendable {
  /// 40 hexadecimal digits.
  var commit: String
  var files: [HubFile]

  /// Reads the hub's answer to `/api/models/ORG/NAME/revision/REVISION?blobs=true`.
  /// - Throws: `HubError.damaged` when it is no such answer, or names a file outside the folder.
  init(parsing bytes: [UInt8], model: String) throws(HubError) {
    func damaged(_ reason: String) -> HubError {
      HubError(.damaged, "the hub's list of the files of \(model) cannot be used: \(reason)")
    }
    let document: JSONValue
    do {
      document = try JSONValue(parsing: bytes)
    } catch {
      throw damaged("\(error)")
    }
    guard let commit = document["sha"]?.string, Self.isHexadecimal(commit, count: 40) else {
      throw damaged("it names no commit")
    }
    self.commit = commit
    guard let siblings = document["siblings"]?.array else { throw damaged("it has no files") }
    files = []
    for sibling in siblings {
      guard let name = sibling["rfilename"]?.string, Self.isInside(name) else {
        throw damaged("a file's name is \(sibling["rfilename"]?.text ?? "missing")")
      }
      let large = sibling["lfs"]
      if let digits = large?["sha256"]?.string, let count = large?["size"]?.integer, count >= 0,
        Self.isHexadecimal(digits, count: 64)
      {
        files.append(HubFile(name: name, byteCount: Int(count), checksum: .sha256(digits)))
      } else if let digits = sibling["blobId"]?.string, let count = sibling["size"]?.integer,
        count >= 0, Self.isHexadecimal(digits, count: 40)
      {
        files.append(HubFile(name: name, byteCount: Int(count), checksum: .git(digits)))
      } else {
        throw damaged("\(name) comes without size and checksum")
      }
    }
  }

  private static func isHexadecimal(_ text: String, count: Int) -> Bool {
    text.utf8.count == count
      && text.utf8.allSatisfy {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
          || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
      }
  }

  /// Whether a name leads to a place below the model's folder.
  private static func isInside(_ name: String) -> Bool {
    !name.utf8.contains(0)
      && name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
        !$0.isEmpty && $0 != "." && $0 != ".."
      }
  }
}
