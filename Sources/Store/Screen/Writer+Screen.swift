package import FilipLateInteraction

/// Writing the screen.
extension Writer {
  /// Stores the codebook of the screens to come; those of another codebook are removed.
  package mutating func setScreenCodebook(_ codebook: ScreenCodebook) throws(StoreError) {
    try change { (writer) throws(StoreError) in
      try writer.transaction.removeAll(in: writer.tables.screens)
      try writer.transaction.put(
        codebook.bytes(), forKey: MetaKey.screenCodebook, in: writer.tables.meta)
    }
  }

  /// Stores the screen of a segment.
  /// - Returns: whether it was stored; a screen that is stale already is not.
  @discardableResult
  package mutating func putScreen(_ screen: SegmentScreen) throws(StoreError) -> Bool {
    guard try transaction.segmentChecksum(screen.segment, tables) == screen.segmentChecksum else {
      return false
    }
    try change { (writer) throws(StoreError) in
      try writer.transaction.put(
        ScreenCodec.encode(screen), forKey: StoreLayout.key(ofSegment: screen.segment),
        in: writer.tables.screens)
    }
    return true
  }

  /// Removes every screen and the codebook.
  package mutating func removeScreens() throws(StoreError) {
    try change { (writer) throws(StoreError) in
      try writer.transaction.removeAll(in: writer.tables.screens)
      try writer.transaction.remove(MetaKey.screenCodebook, in: writer.tables.meta)
    }
  }
}
