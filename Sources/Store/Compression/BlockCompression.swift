internal import CZstd

/// Compresses blocks with zstd, one after the other, with one context.
@safe struct BlockCompressor: ~Copyable {
  /// zstd's level, see Benchmarks/originals.
  static let levelNumber = 3
  private static let level = CInt(levelNumber)
  private let context: OpaquePointer

  /// A compressor with memory of its own, about a megabyte.
  init() {
    // Safe because the context is checked and freed once, below.
    guard let context = unsafe ZSTD_createCCtx() else {
      preconditionFailure("memory for compression")
    }
    unsafe self.context = unsafe context
    unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Self.level)
    unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
  }

  deinit { unsafe ZSTD_freeCCtx(context) }

  /// Appends one frame with the content of `block` and its checksum to `output`.
  ///
  /// zstd begins afresh at `boundary`: what comes before and after it is too different to share
  /// one table of symbols.
  mutating func compress(
    _ block: [UInt8], boundary: Int, into output: inout [UInt8]
  ) throws(Damage) {
    let start = output.count
    // A frame of two blocks is bounded by the sum of their bounds.
    let bound = ZSTD_compressBound(boundary) + ZSTD_compressBound(block.count - boundary)
    output.append(contentsOf: repeatElement(0, count: bound))
    let context = unsafe context
    // Safe because zstd is told the length of both buffers, which live during the call.
    let byteCount: Int? = unsafe output.withUnsafeMutableBytes { output in
      unsafe block.withUnsafeBytes { input in
        var target = unsafe ZSTD_outBuffer(
          dst: output.baseAddress.map { unsafe $0 + start }, size: bound, pos: 0)
        var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: boundary, pos: 0)
        unsafe ZSTD_CCtx_setPledgedSrcSize(context, UInt64(block.count))
        guard unsafe ZSTD_compressStream2(context, &target, &source, ZSTD_e_flush) == 0 else {
          return nil
        }
        unsafe source.size = block.count
        guard unsafe ZSTD_compressStream2(context, &target, &source, ZSTD_e_end) == 0 else {
          return nil
        }
        return unsafe target.pos
      }
    }
    guard let byteCount else {
      unsafe ZSTD_CCtx_reset(context, ZSTD_reset_session_only)
      throw .compression
    }
    output.removeLast(bound - byteCount)
  }
}

/// Decompresses blocks, one after the other, with one context.
@safe struct BlockDecompressor: ~Copyable {
  private let context: OpaquePointer

  /// A decompressor with memory of its own, about 150 kilobytes.
  init() {
    // Safe because the context is checked and freed once, below.
    guard let context = unsafe ZSTD_createDCtx() else {
      preconditionFailure("memory for decompression")
    }
    unsafe self.context = unsafe context
  }

  deinit { unsafe ZSTD_freeDCtx(context) }

  /// Fills the first `byteCount` bytes of `output` from the frame that starts at `offset`.
  ///
  /// - Throws: when the frame does not hold exactly that many bytes, or its checksum is wrong.
  mutating func decompress(
    _ bytes: Span<UInt8>, from offset: Int, byteCount: Int, into output: inout [UInt8]
  ) throws(Damage) {
    precondition(offset <= bytes.count && byteCount <= output.count, "ranges of decompression")
    let context = unsafe context
    // Safe because zstd is told the length of both buffers, which live during the call.
    let result = unsafe output.withUnsafeMutableBytes { output in
      unsafe bytes.withUnsafeBytes { input in
        unsafe ZSTD_decompressDCtx(
          context, output.baseAddress, byteCount, input.baseAddress.map { unsafe $0 + offset },
          input.count - offset)
      }
    }
    guard result == byteCount else { throw .compression }
  }
}
