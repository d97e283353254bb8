/// How the picture of a page gets from the vision tower into the text tower (ModernVBERT; Teiletche
/// et al., 2025).
package struct PageConfiguration: Sendable, Hashable {
  /// The token in whose places the vectors of the picture stand.
  package var imageToken: Int
  /// How many patches, along either side, are put together into one of those vectors.
  package var shuffleFactor: Int
}

extension PageConfiguration {
  /// Reads what stands beside the towers' sections. What the file leaves out is as in
  /// `ModernVBertConfig`.
  ///
  /// - Throws: `.invalidConfiguration`.
  init(_ reader: ConfigurationReader, vision: VisionConfiguration) throws(EncoderError) {
    imageToken = try reader.count(
      "image_token_id", default: 50407, in: 0...ConfigurationLimit.vocabulary)
    shuffleFactor = try reader.count(
      "pixel_shuffle_factor", default: 4, in: 1...ConfigurationLimit.imageSize)
    guard vision.gridSide % shuffleFactor == 0 else {
      throw reader.invalid(
        "pixel_shuffle_factor",
        "(\(shuffleFactor)) does not divide the \(vision.gridSide) patches of a side")
    }
  }

  /// Vectors along one side of a picture of the vision tower.
  func gridSide(_ vision: VisionConfiguration) -> Int { vision.gridSide / shuffleFactor }

  /// Vectors that a picture of the vision tower becomes.
  func tokenCount(_ vision: VisionConfiguration) -> Int {
    gridSide(vision) * gridSide(vision)
  }
}
