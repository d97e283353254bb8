/// Cuts an image into square patches, one row per patch.
///
/// `planes` is planar, (channelCount, height, width). `rows` is (patches, channelCount · side²):
/// patches run row by row from the top left, and a row lists channel, then line, then column, as
/// the weights of a convolution do. Pixels right of or below the last whole patch are left out.
/// - Precondition: `planes.count == channelCount * height * width` and the shape of `rows` fits.
package func unfoldPatches(
  of planes: [Float], channelCount: Int, height: Int, width: Int, side: Int, into rows: Matrix
) {
  precondition(side > 0 && planes.count == channelCount * height * width, "shape of the planes")
  let across = width / side
  precondition(
    rows.rowCount == across * (height / side)
      && rows.columnCount == channelCount * side * side, "shape of the patch rows")
  planes.withUnsafeBufferPointer { planes in
    guard let source = planes.baseAddress else { return }
    for patch in 0..<rows.rowCount {
      let (patchRow, patchColumn) = patch.quotientAndRemainder(dividingBy: across)
      var target = rows.base + patch * rows.stride
      for channel in 0..<channelCount {
        for line in patchRow * side..<(patchRow + 1) * side {
          target.update(
            from: source + (channel * height + line) * width + patchColumn * side, count: side)
          target += side
        }
      }
    }
  }
}
