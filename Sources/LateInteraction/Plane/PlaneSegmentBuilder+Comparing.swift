/// Whether a stored segment is what its tokens ask for: codes and errors follow from the tokens, to
/// the bit, on every machine.
extension PlaneSegmentBuilder {
  /// Whether an image of `segment` has the codes, scales, reaches and the error of the image `ordinal`
  /// of this segment.
  /// - Precondition: both segments have the same dimension and bits.
  package func image(_ ordinal: Int, equals other: Int, of segment: borrowing PlaneSegment) -> Bool
  {
    precondition(segment.dimension == dimension && segment.bits == bits, "segments of one kind")
    let tokens = segment.tokens(of: other)
    let first = Int(directory[ordinal].firstToken)
    guard tokens.count == tokenCount(of: ordinal),
      segment.largestError8(other) == directory[ordinal].largestError,
      tokens.enumerated().allSatisfy({ segment.scale($1) == scales[first + $0] }),
      bits == .four
        || tokens.enumerated().allSatisfy({ segment.reach($1) == reaches[first + $0] })
    else { return false }
    return segment.withParts { otherHigh, otherLow, _, _ in
      tokens.enumerated().allSatisfy { index, token in
        isLane(of: first + index, in: high, equalTo: token, in: otherHigh)
          && (bits == .four || isLane(of: first + index, in: low, equalTo: token, in: otherLow))
      }
    }
  }

  /// Whether the bounds that `segment` states for its tokens hold for those of this segment.
  package func isBounded(by segment: borrowing PlaneSegment) -> Bool {
    let isErrorBounded =
      bits == .four
      ? largestRelativeError4 <= segment.largestRelativeError4
      : segment.largestRelativeError4 == 0
    return isErrorBounded && largestNorm8 <= segment.largestNorm8
      && largestNorm4 <= segment.largestNorm4
  }

  /// Compares the nibbles of a token in each of two segments.
  private func isLane(
    of token: Int, in nibbles: [UInt8], equalTo other: Int, in otherNibbles: UnsafeRawBufferPointer
  ) -> Bool {
    (0..<groupCount).allSatisfy { group in
      let offset = lane(of: token, group, groupCount)
      let otherOffset = lane(of: other, group, groupCount)
      return (0..<4).allSatisfy { nibbles[offset + $0] == otherNibbles[otherOffset + $0] }
    }
  }
}
