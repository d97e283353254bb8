internal import CXXHash

/// The XXH3-128 hash of a file's content, as two halves.
///
/// Tells files apart that were renamed or copied; it does not protect against somebody who makes
/// two files with one hash on purpose.
package func contentDigest(of bytes: [UInt8]) -> (high: UInt64, low: UInt64) {
  // Safe because XXH3_128bits reads exactly `count` bytes.
  let hash = bytes.withUnsafeBytes { XXH3_128bits($0.baseAddress, $0.count) }
  return (hash.high64, hash.low64)
}

/// The same for bytes anywhere in memory, such as those of a mapped file.
func contentDigest(of bytes: UnsafeRawBufferPointer) -> (high: UInt64, low: UInt64) {
  // Safe because XXH3_128bits reads exactly `count` bytes.
  let hash = XXH3_128bits(bytes.baseAddress, bytes.count)
  return (hash.high64, hash.low64)
}
