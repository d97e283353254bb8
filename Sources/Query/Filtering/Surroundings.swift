#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
import FilipStore

extension SearchFilter.Surroundings {
  private static let earthRadius = 6_371.0088

  /// Whether a place is no farther away, along a great circle of a spherical Earth.
  ///
  /// The error against the true shape is below 0.6 %.
  func contains(_ place: ItemRecord.Place) -> Bool {
    func radians(_ degrees: Double) -> Double { degrees * .pi / 180 }
    let (from, to) = (radians(center.latitude), radians(place.latitude))
    let north = sin((to - from) / 2)
    let east = sin(radians(place.longitude - center.longitude) / 2)
    let haversine = north * north + cos(from) * cos(to) * east * east
    return 2 * Self.earthRadius * asin(min(1, haversine.squareRoot())) <= kilometers
  }
}
