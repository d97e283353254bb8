internal import CKernels

/// How a file stores its floats. All little-endian.
package enum FloatFormat: Sendable, Hashable {
  /// IEEE binary32.
  case float32
  /// IEEE binary16.
  case float16
  /// The upper half of a binary32.
  case brainFloat16

  /// Bytes of one element.
  package var byteCount: Int { self == .float32 ? 4 : 2 }
}

extension Matrix {
  /// Fills the matrix, row by row, from stored floats.
  ///
  /// - Precondition: the matrix is dense (no gaps between rows) and `bytes` holds exactly its
  ///   elements. `bytes` may start at any address.
  package func decode(_ bytes: RawSpan, as format: FloatFormat) {
    let count = rowCount * columnCount
    precondition(stride == columnCount || rowCount <= 1, "dense matrix")
    precondition(bytes.byteCount == count * format.byteCount, "byte count of the elements")
    guard count > 0 else { return }
    bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      if format == .float32 {
        UnsafeMutableRawPointer(base).copyMemory(from: start, byteCount: source.count)
      } else if Int(bitPattern: start) % MemoryLayout<UInt16>.alignment == 0 {
        widen(start.assumingMemoryBound(to: UInt16.self), count: count, from: format)
      } else {
        // The kernels read whole 16-bit words, which must lie on even addresses.
        let aligned = [UInt16](unsafeUninitializedCapacity: count) { buffer, initialized in
          UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
          initialized = count
        }
        aligned.withUnsafeBufferPointer { halves in
          if let start = halves.baseAddress { widen(start, count: count, from: format) }
        }
      }
    }
  }

  private func widen(_ halves: UnsafePointer<UInt16>, count: Int, from format: FloatFormat) {
    if format == .float16 {
      ck_widen_f16(halves, base, count)
    } else {
      ck_widen_bf16(halves, base, count)
    }
  }
}

/// Rounds floats to binary16 bit patterns, ties to even; what is too large becomes infinite.
package func binary16(rounding floats: [Float]) -> [UInt16] {
  [UInt16](unsafeUninitializedCapacity: floats.count) { halves, count in
    floats.withUnsafeBufferPointer { source in
      ck_narrow_f16(source.baseAddress, halves.baseAddress, source.count)
    }
    count = floats.count
  }
}

/// The floats that binary16 bit patterns stand for.
package func floats(widening halves: [UInt16]) -> [Float] {
  [Float](unsafeUninitializedCapacity: halves.count) { floats, count in
    halves.withUnsafeBufferPointer { source in
      ck_widen_f16(source.baseAddress, floats.baseAddress, source.count)
    }
    count = halves.count
  }
}
