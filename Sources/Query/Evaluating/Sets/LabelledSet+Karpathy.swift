import FilipEncoders
import SystemPackage

extension LabelledSet {
  /// Karpathy's splits: `images`, each with `filename`, `split` and `sentences` with `raw` and
  /// `sentid`. `restval` belongs to `train`. Every sentence is a query with one relevant image, even
  /// where two have the same words.
  static func karpathy(_ path: FilePath, split: String) throws(QueryError) -> LabelledSet {
    guard let images = try json(path)["images"]?.array else {
      throw malformed(path, "it has no list of images, as Karpathy's splits have")
    }
    var builder = LabelledSetBuilder()
    var splits: Set<String> = []
    for (number, image) in images.enumerated() {
      guard let name = image["filename"]?.string, let own = image["split"]?.string,
        let sentences = image["sentences"]?.array
      else {
        throw malformed(path, "image \(number) lacks a filename, a split or sentences")
      }
      let part = own == "restval" ? "train" : own
      splits.insert(part)
      guard part == split else { continue }
      let folder = image["filepath"]?.string.map { $0 + "/" } ?? ""
      let document = builder.document(folder + name)
      for sentence in sentences {
        guard let text = sentence["raw"]?.string else {
          throw malformed(path, "a sentence of \(name) lacks its raw text")
        }
        let id = sentence["sentid"]?.integer.map { "\($0)" } ?? "s\(builder.set.queries.count)"
        builder.judge(builder.query(id, id: id, text: text), document)
      }
    }
    if builder.set.queries.isEmpty {
      throw malformed(
        path, "there is no split \(split); there is \(splits.sorted().joined(separator: ", "))")
    }
    return builder.set
  }
}
