internal import CKernels

/// The weights of a linear layer as 8-bit numbers with a scale for each output.
///
/// One block of memory: codes (blocks of 16 outputs, groups of 4 inputs, 64 bytes a group), then per
/// output the sum of its codes (32 bits) and its scale (`Float`), for whole blocks of outputs. It
/// is the same for every instruction set, and can be kept in a file.
package struct QuantizedWeights: Sendable {
  /// Number of rows of the weight matrix.
  package let outputCount: Int
  /// Number of its columns.
  package let inputCount: Int
  private let memory: Memory

  /// Inputs of a layer, at most: the sums of more might not fit 32 bits.
  package static let inputCountLimit = 65_536

  /// The number of the layout, to be raised with every change of it.
  package static let layoutVersion = 1

  /// Bytes that the weights take.
  package static func byteCount(outputCount: Int, inputCount: Int) -> Int {
    let blocks = (outputCount + 15) / 16
    return blocks * (groupCount(of: inputCount) * 64 + 16 * 8)
  }

  private static func groupCount(of inputCount: Int) -> Int { (inputCount + 3) / 4 }

  /// Rounds matrices of as many columns, stacked: scale = max |row| / 127.
  ///
  /// A row with an infinity or NaN gets the scale NaN, and so do all its products.
  /// - Complexity: two steps per weight.
  /// - Precondition: there are parts, and no more columns than `inputCountLimit`.
  package init(rounding parts: [Matrix]) {
    precondition(!parts.isEmpty, "matrices to round")
    let inputs = parts[0].columnCount
    let outputs = parts.reduce(0) { $0 + $1.rowCount }
    precondition(inputs <= Self.inputCountLimit, "inputs of a quantised layer")
    outputCount = outputs
    inputCount = inputs
    memory = Memory(byteCount: Self.byteCount(outputCount: outputs, inputCount: inputs))
    let kernel = self.kernel(bias: nil)
    var first = 0
    for part in parts {
      precondition(part.columnCount == inputs, "columns of stacked weights")
      // Safe because the memory is new, of the layer's size, and nobody else sees it yet.
      ck_pack_linear_s8(
        part.base, part.stride, part.rowCount, inputs, first,
        UnsafeMutablePointer(mutating: kernel.codes), UnsafeMutablePointer(mutating: kernel.sums),
        UnsafeMutablePointer(mutating: kernel.scales))
      first += part.rowCount
    }
  }

  /// Borrows weights that `withUnsafeBytes` once gave and that live as long as `owner`; nobody may write to
  /// them.
  /// - Precondition: the bytes are as many as the shape needs, from a multiple of 4 on.
  package init(
    borrowing bytes: UnsafeRawBufferPointer, outputCount: Int, inputCount: Int, owner: AnyObject
  ) {
    precondition(
      inputCount <= Self.inputCountLimit
        && bytes.count == Self.byteCount(outputCount: outputCount, inputCount: inputCount),
      "byte count of quantised weights")
    precondition(Int(bitPattern: bytes.baseAddress) % 4 == 0, "aligned quantised weights")
    self.outputCount = outputCount
    self.inputCount = inputCount
    memory = Memory(borrowing: bytes, owner: owner)
  }

  /// Calls `body` with all bytes, to be kept in a file.
  package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    withExtendedLifetime(memory) { body(memory.bytes) }
  }

  fileprivate var groupCount: Int { Self.groupCount(of: inputCount) }

  /// The layer as the kernels take it; valid while `memory` lives.
  fileprivate func kernel(bias: UnsafePointer<Float>?) -> ck_linear {
    let blocks = (outputCount + 15) / 16
    // Safe because the memory has the size of the layout that is spelled out here.
    let codes = memory.base.assumingMemoryBound(to: Int8.self)
    let sums = (memory.base + blocks * groupCount * 64).assumingMemoryBound(to: Int32.self)
    let scales = UnsafeRawPointer(sums + blocks * 16).assumingMemoryBound(to: Float.self)
    return ck_linear(
      codes: codes, sums: sums, scales: scales, bias: bias, groups: groupCount,
      outputs: outputCount)
  }

  /// Bytes of our own, zeroed and 64-byte aligned, or of another's.
  private final class Memory: @unchecked Sendable {
    // Sendable because the bytes are not written any more once the initialiser above has returned.
    let base: UnsafeRawPointer
    let bytes: UnsafeRawBufferPointer
    private let owner: AnyObject?

    init(byteCount: Int) {
      let start = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 64)
      start.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
      base = UnsafeRawPointer(start)
      bytes = UnsafeRawBufferPointer(start: start, count: byteCount)
      owner = nil
    }

    init(borrowing bytes: UnsafeRawBufferPointer, owner: AnyObject) {
      guard let start = bytes.baseAddress else { preconditionFailure("bytes to borrow") }
      base = start
      self.bytes = bytes
      self.owner = owner
    }

    deinit {
      if owner == nil { UnsafeMutableRawPointer(mutating: base).deallocate() }
    }
  }
}

/// Bytes of quantised rows that are worked on at a time: with a strip of weights they fit the
/// second cache of common processors.
private let blockByteCount = 256 << 10

/// Rows whose codes lie together.
private let rowBlock = Int(CK_ROW_BLOCK)

/// Writes `activation(keep · c + a · weightsᵀ + bias)` to `c`, in 8 bits.
///
/// Every row of `a` is rounded to 256 levels between its least and its largest element (and 0) as it
/// comes; sums of products are exact, so all instruction sets agree to the bit, but for the
/// activation. A row of `a` with an infinity or NaN gives a row of NaN.
///
/// Shapes: `a` (m, inputs), `weights` (outputs, inputs), `bias` (1, outputs), `c` (m, outputs).
/// `keep` says whether what `c` held is added; it must be a number then.
/// - Complexity: m · inputs · outputs multiply-adds.
package func multiply(
  _ a: Matrix, quantized weights: QuantizedWeights, bias: Matrix?, into c: Matrix,
  keep: Bool = false, activation: Activation? = nil
) {
  precondition(
    a.columnCount == weights.inputCount && c.rowCount == a.rowCount
      && c.columnCount == weights.outputCount, "shapes of a product with quantised weights")
  precondition(
    bias.map { $0.rowCount == 1 && $0.columnCount == c.columnCount } ?? true, "shape of the bias")
  guard a.rowCount > 0, c.columnCount > 0 else { return }
  let rowByteCount = 4 * weights.groupCount
  let wholeRowCount = (a.rowCount + rowBlock - 1) / rowBlock * rowBlock
  let fittingCount = blockByteCount / max(rowByteCount, 1) / rowBlock * rowBlock
  let blockRowCount = min(wholeRowCount, max(rowBlock, fittingCount))
  var layer = weights.kernel(bias: bias.map { UnsafePointer($0.base) })
  // Safe because each kernel writes and reads the rows it is given, and there is room for as many.
  withExtendedLifetime(weights) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: blockRowCount * rowByteCount) { codes in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: blockRowCount) { scales in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: blockRowCount) { zeros in
          for first in stride(from: 0, to: a.rowCount, by: blockRowCount) {
            let count = min(blockRowCount, a.rowCount - first)
            ck_quantize_rows_u8(
              a.base + first * a.stride, a.stride, count, a.columnCount, codes.baseAddress,
              scales.baseAddress, zeros.baseAddress)
            var rows = ck_linear_rows(
              codes: codes.baseAddress, scales: scales.baseAddress, zeros: zeros.baseAddress,
              rows: count)
            ck_linear_s8(
              &layer, &rows, c.base + first * c.stride, c.stride, keep ? 1 : 0,
              activation?.kernel ?? CK_IDENTITY)
          }
        }
      }
    }
  }
}
