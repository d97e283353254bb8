/// The name that somebody may have meant.
struct NearestName {
  /// The closest of the names; `nil` when none is closer than a name of other letters would be.
  let name: String?

  /// Names longer than this are no names of tensors.
  private static let lengthLimit = 256
  /// More names than this are not gone through.
  private static let countLimit = 20_000

  /// Finds the name with the fewest letters changed, added and taken away; of several, the first in
  /// alphabetical order.
  ///
  /// - Complexity: the product of the lengths, for each of the names.
  init(to wanted: String, among names: some Collection<String>) {
    let target = Array(wanted.utf8)
    var best: (name: String, distance: Int)?
    if target.count <= Self.lengthLimit, names.count <= Self.countLimit {
      for name in names where name.utf8.count <= Self.lengthLimit {
        // A difference in length is the least that it takes.
        if let best, abs(name.utf8.count - target.count) > best.distance { continue }
        let distance = Self.distance(Array(name.utf8), target)
        if best.map({ (distance, name) < ($0.distance, $0.name) }) ?? true {
          best = (name, distance)
        }
      }
    }
    name = best.flatMap { $0.distance <= max(2, target.count / 2) ? $0.name : nil }
  }

  /// How many bytes must be changed, added or taken away (Levenshtein, 1965).
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (index, byte) in left.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in right.indices {
        let changed = diagonal + (byte == right[column] ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(changed, diagonal + 1, row[column] + 1)
      }
    }
    return row[right.count]
  }
}
