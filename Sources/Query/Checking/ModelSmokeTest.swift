package import FilipEncoders
import FilipLateInteraction

/// One picture in every token mode, and one text, encoded: a model that can do that is whole.
package struct ModelSmokeTest: Sendable {
  /// What came out, in a few words.
  package var description: String

  /// Loads both towers of a model, as far as it has them, and encodes with them.
  /// - Throws: `EncoderError` naming what is missing or makes no numbers.
  package init(_ model: ModelDirectory) throws(EncoderError) {
    var parts: [String] = []
    if let preprocessing = model.preprocessing {
      // Colours that differ from place to place, so that no norm meets a constant.
      let side = 64
      let pixels = (0..<side * side * 3).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 6) }
      let picture = DecodedImage(width: side, height: side, pixels: pixels, format: .png)
      let prepared = ImagePreprocessor(configuration: preprocessing).prepare(picture)
      for mode in model.tokenModes {
        let encoder = try ImageEncoder(model: model, tokenMode: mode)
        let encoded = try encoder.encode([prepared], workspace: encoder.makeWorkspace())[0]
        if parts.isEmpty {
          parts.append(
            "a picture becomes \(encoded.tokens.tokenCount) tokens of \(model.dimension)")
        }
      }
    }
    let text = try TextEncoder(model: model).encode("a small balloon")
    parts.append("\"a small balloon\" becomes \(text.tokens.tokenCount)")
    description = parts.joined(separator: ", ")
  }
}
