/// Why bytes cannot be read as a codebook of the screen.
package enum ScreenCodebookError: Error, Equatable {
  /// There are fewer bytes than a codebook has, or more than it says.
  case length
  /// The version is one that a later program may write.
  case newerVersion(UInt8)
  /// A field of the header holds a value that it cannot have.
  case header
  /// The hash does not match.
  case hash
  /// A value is infinite or not a number.
  case value
}
