internal import CXXHash
internal import FilipLinearAlgebra
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The quantised layers of one tower in a file, so that a later program maps what this one made.
///
/// The file is named after what it was made from: the tower's tensors, and size and time of their
/// files. It is never trusted: a layer whose name, shape and checksum are not as they should be is
/// made anew, and so is the file. Where it cannot be written, nothing is cached.
///
/// Format, little-endian: the eight bytes of `signature`, then UTF-8 lines `name outputs inputs
/// offset checksum` to an empty line, then the layers as `QuantizedWeights` lays them out, each from
/// a multiple of 64 on. An offset counts from the file's start; the checksum is XXH3-128 of the
/// layer's bytes.
final class WeightCache: Sendable {
  private static let signature = Array("filipw8\n".utf8)

  private struct Place {
    let outputCount, inputCount, offset: Int
    let checksum: String
  }

  private struct Made {
    let name: String
    let weights: QuantizedWeights
  }

  private let path: String
  private let file: MappedFile?
  private let places: [String: Place]
  private let made = Mutex<(layers: [Made], isComplete: Bool)>(([], true))

  /// The cache in `directory` of the tower `part` of `checkpoint`, which may not exist yet.
  init(directory: String, part: TowerPart, of checkpoint: Checkpoint) {
    var key = Fingerprint()
    key.add("layout", QuantizedWeights.layoutVersion)
    key.add(part, of: checkpoint)
    for path in checkpoint.filePaths {
      var status = stat()
      _ = stat(path, &status)
      key.add("size", status.st_size)
      key.add("time", "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)")
    }
    path = "\(directory)/weights-\(key.hexadecimal).int8"
    let file = try? MappedFile(path: path)
    self.file = file
    places = file.map { Self.places(in: $0.bytes) } ?? [:]
  }

  // MARK: - Reading

  /// The table of a file; empty when it is none of ours.
  private static func places(in bytes: UnsafeRawBufferPointer) -> [String: Place] {
    guard bytes.starts(with: signature) else { return [:] }
    var places: [String: Place] = [:]
    var start = signature.count
    while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")), end > start {
      let fields = String(decoding: bytes[start..<end], as: UTF8.self).split(separator: " ")
      let numbers = fields.dropFirst().prefix(3).compactMap { Int($0) }
      guard fields.count == 5, numbers.count == 3, numbers.allSatisfy({ $0 >= 0 }) else {
        return [:]
      }
      places[String(fields[0])] = Place(
        outputCount: numbers[0], inputCount: numbers[1], offset: numbers[2],
        checksum: String(fields[4]))
      start = end + 1
    }
    return places
  }

  /// The layer `name` as it was kept; `nil` when it was not, or is damaged.
  func weights(_ name: String, outputCount: Int, inputCount: Int) -> QuantizedWeights? {
    let byteCount = QuantizedWeights.byteCount(outputCount: outputCount, inputCount: inputCount)
    guard let file, let place = places[name], place.outputCount == outputCount,
      place.inputCount == inputCount, place.offset % 64 == 0,
      place.offset <= file.bytes.count, byteCount <= file.bytes.count - place.offset
    else { return nil }
    let bytes = UnsafeRawBufferPointer(
      rebasing: file.bytes[place.offset..<place.offset + byteCount])
    guard Self.checksum(of: bytes) == place.checksum else { return nil }
    // The others are needed too when the file is written anew.
    let weights = QuantizedWeights(
      borrowing: bytes, outputCount: outputCount, inputCount: inputCount, owner: file)
    made.withLock { $0.layers.append(Made(name: name, weights: weights)) }
    return weights
  }

  private static func checksum(of bytes: UnsafeRawBufferPointer) -> String {
    // Safe because XXH3_128bits reads exactly `count` bytes.
    let hash = XXH3_128bits(bytes.baseAddress, bytes.count)
    return String(hash.high64, radix: 16) + "-" + String(hash.low64, radix: 16)
  }

  // MARK: - Writing

  /// Takes a layer that `write` is to keep.
  func add(_ weights: QuantizedWeights, named name: String) {
    made.withLock {
      $0.layers.append(Made(name: name, weights: weights))
      $0.isComplete = false
    }
  }

  /// Writes the file anew if a layer was not in it: beside it first, then by renaming, so that
  /// nobody ever reads half of it.
  func write() {
    let layers = made.withLock { made in
      defer { made = ([], true) }
      return made.isComplete ? [] : made.layers
    }
    guard !layers.isEmpty else { return }
    var (lines, dataByteCount) = ("", 0)
    // The table's length is part of the offsets it states: room is left for the longest.
    let reserved = layers.reduce(Self.signature.count + 1) { $0 + $1.name.utf8.count + 120 }
    let start = (reserved + 63) / 64 * 64
    for layer in layers {
      let (count, checksum) = layer.weights.withUnsafeBytes {
        ($0.count, Self.checksum(of: $0))
      }
      lines +=
        "\(layer.name) \(layer.weights.outputCount) \(layer.weights.inputCount) "
        + "\(start + dataByteCount) \(checksum)\n"
      dataByteCount += (count + 63) / 64 * 64
    }
    lines += "\n"
    guard let slash = path.lastIndex(of: "/") else { return }
    makeDirectories(String(path[..<slash]))
    let temporary = "\(path).\(getpid())"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return }
    var isWritten =
      Self.write(Self.signature + Array(lines.utf8), to: descriptor, at: 0)
      && ftruncate(descriptor, off_t(start + dataByteCount)) == 0
    var offset = start
    for layer in layers where isWritten {
      layer.weights.withUnsafeBytes { bytes in
        isWritten = Self.write(bytes, to: descriptor, at: offset)
        offset += (bytes.count + 63) / 64 * 64
      }
    }
    isWritten = close(descriptor) == 0 && isWritten
    if !isWritten || rename(temporary, path) != 0 { unlink(temporary) }
  }

  private func makeDirectories(_ directory: String) {
    guard access(directory, F_OK) != 0 else { return }
    if let slash = directory.lastIndex(of: "/"), slash != directory.startIndex {
      makeDirectories(String(directory[..<slash]))
    }
    mkdir(directory, 0o700)
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32, at offset: Int) -> Bool {
    bytes.withUnsafeBytes { write($0, to: descriptor, at: offset) }
  }

  private static func write(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int
  ) -> Bool {
    var written = 0
    while written < bytes.count {
      // Safe because the rest of the buffer is what is written.
      let count = pwrite(
        descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written,
        off_t(offset + written))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      written += count
    }
    return true
  }
}
