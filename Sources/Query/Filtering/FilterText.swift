#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
import FilipStore

/// The values of filters as they are typed.
public enum FilterText {
  /// A moment in nanoseconds since 1970.
  ///
  /// A date with or without a time (`2024-06-01`, `2024-06-01T12:30`, `2024-06-01T12:30:00+02:00`;
  /// local time unless there is an offset), seconds since 1970 (`@1717243800`), or how long before
  /// `now` it was: numbers with units (`2weeks`, `3d`, `1y`, `1h 30min`). A month has 30.44 days and
  /// a year 365.25.
  /// - Parameter now: nanoseconds since 1970; `nil` asks the clock.
  /// - Returns: `nil` when it is none of these.
  public static func moment(_ text: String, now: Int64? = nil) -> Int64? {
    if let nanoseconds = TimeText.nanoseconds(of: text) { return nanoseconds }
    if text.hasPrefix("@") {
      guard let seconds = Int64(text.dropFirst()) else { return nil }
      let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
      return overflow ? nil : nanoseconds
    }
    guard let seconds = duration(text), seconds < 9e9 else { return nil }
    let (moment, overflow) = (now ?? clock()).subtractingReportingOverflow(Int64(seconds * 1e9))
    return overflow ? nil : moment
  }

  /// Seconds of a duration such as `2weeks` or `1d 12h`.
  private static func duration(_ text: String) -> Double? {
    var rest = text[...]
    var seconds = 0.0
    repeat {
      rest = rest.drop { $0 == " " }
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(digits.count).drop { $0 == " " }
      let unit = rest.prefix { $0.isASCII && $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let count = Double(digits), let length = units[String(unit)] else { return nil }
      seconds += count * length
    } while !rest.isEmpty
    return seconds
  }

  private static let units: [String: Double] = {
    let lengths: [([String], Double)] = [
      (["s", "sec", "secs", "second", "seconds"], 1),
      (["m", "min", "mins", "minute", "minutes"], 60),
      (["h", "hr", "hrs", "hour", "hours"], 3_600), (["d", "day", "days"], 86_400),
      (["w", "week", "weeks"], 604_800), (["M", "month", "months"], 30.44 * 86_400),
      (["y", "year", "years"], 365.25 * 86_400),
    ]
    return Dictionary(
      uniqueKeysWithValues: lengths.flatMap { names, length in names.map { ($0, length) } })
  }()

  private static func clock() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }

  /// A range of file sizes in bytes: `+10M` for at least, `-1k` for at most, `512` for exactly so
  /// many. Units: b, k, m, g, t are powers of 1,000, and ki, mi, gi, ti of 1,024, in upper or lower
  /// case, with or without a b at their end.
  /// - Returns: `nil` when it is none of these.
  public static func fileSizes(_ text: String) -> ClosedRange<UInt64>? {
    let sign = text.first.flatMap { "+-".contains($0) ? $0 : nil }
    let rest = text.dropFirst(sign == nil ? 0 : 1)
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    var unit = rest.dropFirst(digits.count).lowercased()
    if unit.count > 1, unit.hasSuffix("b") { unit.removeLast() }
    let powers = ["": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4]
    let base: UInt64 = unit.count == 2 && unit.hasSuffix("i") ? 1_024 : 1_000
    if base == 1_024 { unit.removeLast() }
    guard var size = UInt64(digits), let power = powers[unit], base == 1_000 || power > 0 else {
      return nil
    }
    for _ in 0..<power {
      let (product, overflow) = size.multipliedReportingOverflow(by: base)
      guard !overflow else { return nil }
      size = product
    }
    switch sign {
    case "+": return size...UInt64.max
    case "-": return 0...size
    default: return size...size
    }
  }

  /// Width and height from `800x600`.
  /// - Returns: `nil` when it is nothing of the kind.
  public static func size(_ text: String) -> (width: Int, height: Int)? {
    let parts = text.lowercased().split(separator: "x", omittingEmptySubsequences: false)
    guard parts.count == 2, let width = UInt32(parts[0]), let height = UInt32(parts[1]) else {
      return nil
    }
    return (Int(width), Int(height))
  }

  /// A place and its surroundings from `48.137,11.575,20`: degrees north and east, kilometres.
  /// - Returns: `nil` when it is nothing of the kind, or nowhere on Earth.
  public static func surroundings(_ text: String) -> SearchFilter.Surroundings? {
    let numbers = text.split(separator: ",", omittingEmptySubsequences: false)
      .map { Double($0.drop { $0 == " " }) }
    guard numbers.count == 3, let latitude = numbers[0], let longitude = numbers[1],
      let kilometers = numbers[2], (-90...90).contains(latitude),
      (-180...180).contains(longitude), kilometers >= 0, kilometers.isFinite
    else { return nil }
    return SearchFilter.Surroundings(
      center: ItemRecord.Place(latitude: latitude, longitude: longitude), kilometers: kilometers)
  }
}
