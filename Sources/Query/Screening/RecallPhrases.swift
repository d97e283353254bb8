import SystemPackage

/// The phrases that recall is measured with where an index has a text encoder.
package enum RecallPhrases {
  /// `recall-phrases.txt` of the installation, a phrase per line; empty when it is not there.
  package static var shipped: [String] {
    for folder in ModelLocation.shareDirectories {
      guard let bytes = try? folder.appending("recall-phrases.txt").read() else { continue }
      return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
    return []
  }
}
