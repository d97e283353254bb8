/// Which of a model's files filip reads.
enum NeededFiles {
  /// Weights in the order in which they are preferred: the first that is there is enough.
  private static let weights = [
    "model.safetensors", "open_clip_model.safetensors", "pytorch_model.bin",
    "open_clip_pytorch_model.bin",
  ]

  /// The configuration, the tokenizer, and one set of weights.
  ///
  /// Folders of other runtimes (`onnx`, `openvino`) and of other formats are passed over; those of
  /// sentence-transformers' modules (`1_Pooling`) are not.
  /// - Throws: `HubError.notFound` when there are no weights that filip could read.
  static func choose(from files: [HubFile], model: String) throws(HubError) -> [HubFile] {
    let names = Set(files.map(\.name))
    var needed = names.filter(isSmallFile)
    let chosen = weights.first { names.contains($0) || names.contains($0 + ".index.json") }
    if let chosen, names.contains(chosen) {
      needed.insert(chosen)
    } else if let chosen {
      needed.formUnion(names.filter { isShard($0, of: chosen) })
    } else {
      // A weight file with names of its own; the only one, or nobody knows which.
      let others = names.filter { name in
        !name.contains("/")
          && [".safetensors", ".pt", ".pth", ".ckpt"].contains { name.hasSuffix($0) }
      }
      guard others.count == 1, let other = others.first else {
        throw HubError(
          .notFound,
          others.isEmpty
            ? "\(model) has no weights that filip reads (safetensors, or pickles of PyTorch)"
            : "\(model) has several weight files (\(others.sorted().joined(separator: ", "))); "
              + "fetch one with: hf download \(model) FILE")
      }
      needed.insert(other)
    }
    return files.filter { needed.contains($0.name) }.sorted { $0.name < $1.name }
  }

  private static func isSmallFile(_ name: String) -> Bool {
    let parts = name.split(separator: "/")
    guard let last = parts.last, !last.hasPrefix(".") else { return false }
    if parts.count == 2 {
      // 1_Pooling/config.json and its like; their dense layers have weights.
      let isModule = parts[0].first?.isNumber == true && parts[0].contains("_")
      return isModule
        && [".json", ".safetensors"].contains { last.hasSuffix($0) }
    }
    return parts.count == 1 && [".json", ".txt", ".model"].contains { last.hasSuffix($0) }
  }

  /// `model-00001-of-00002.safetensors` of `model.safetensors`.
  private static func isShard(_ name: String, of whole: String) -> Bool {
    guard let dot = whole.lastIndex(of: ".") else { return false }
    return name.hasPrefix(whole[..<dot] + "-") && name.hasSuffix(whole[dot...])
  }
}
