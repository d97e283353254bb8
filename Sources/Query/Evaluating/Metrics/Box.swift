package import FilipLateInteraction

extension PixelRegion {
  /// The area in common over the area of both together, 0…1; 0 where both are empty.
  package func intersectionOverUnion(_ other: PixelRegion) -> Double {
    let shared = sharedArea(other)
    let union = width * height + other.width * other.height - shared
    return union > 0 ? shared / union : 0
  }

  /// The area in common over the area of the smaller of both, 0…1; 0 where one of them is empty.
  package func shareOfSmaller(_ other: PixelRegion) -> Double {
    let smaller = min(width * height, other.width * other.height)
    return smaller > 0 ? sharedArea(other) / smaller : 0
  }

  private func sharedArea(_ other: PixelRegion) -> Double {
    max(0, min(x + width, other.x + other.width) - max(x, other.x))
      * max(0, min(y + height, other.y + other.height) - max(y, other.y))
  }

  /// Whether a point lies in the region, edges included.
  package func contains(x pointX: Double, y pointY: Double) -> Bool {
    (x...x + width).contains(pointX) && (y...y + height).contains(pointY)
  }

  /// The region with `margin` more to the left and right and above and below.
  package func grown(byWidth horizontal: Double, height vertical: Double) -> PixelRegion {
    PixelRegion(
      x: x - horizontal, y: y - vertical, width: width + 2 * horizontal,
      height: height + 2 * vertical)
  }
}
