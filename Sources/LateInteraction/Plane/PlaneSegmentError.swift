/// Why bytes cannot be read as a plane segment.
package enum PlaneSegmentError: Error, Equatable {
  /// There are fewer bytes than a segment has, or more than it says.
  case length
  /// The version is one that a later program may write.
  case newerVersion(UInt8)
  /// A field of the header holds a value that it cannot have.
  case header
  /// A token's scale is negative, infinite, not a number or larger than any that is written.
  case scale
  /// The images' tokens do not follow one another, or an image's error is not a number.
  case directory
}
