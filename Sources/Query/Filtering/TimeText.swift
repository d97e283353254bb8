#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Moments as people and cameras write them.
enum TimeText {
  /// The moment that a text means, in nanoseconds since 1970.
  ///
  /// A date such as `2024-06-01`, which may be followed by `T` or a space and the time `12:30`,
  /// `12:30:05` or `12:30:05.25`, and that by an offset from UTC, `Z` or `+02:00` (RFC 3339). A date
  /// alone is its first moment. Without an offset it is local time: that of this machine's zone, as
  /// it was on that day.
  /// - Returns: `nil` when it is none of these, when there is no such day, and before 1678 and after
  ///   2261, where 64 bits do not reach.
  static func nanoseconds(of text: String) -> Int64? {
    var rest = Substring(text)
    var parts = tm()
    guard let year = number(4, &rest), take("-", &rest), let month = number(2, &rest),
      take("-", &rest), let day = number(2, &rest), (1...12).contains(month),
      (1...daysOfMonth(month, year: year)).contains(day)
    else { return nil }
    (parts.tm_year, parts.tm_mon, parts.tm_mday) = (
      Int32(year - 1900), Int32(month - 1), Int32(day)
    )
    var fraction = 0
    var offset: Int?
    if take("T", &rest) || take("t", &rest) || take(" ", &rest) {
      guard let hour = number(2, &rest), take(":", &rest), let minute = number(2, &rest),
        hour < 24, minute < 60
      else { return nil }
      (parts.tm_hour, parts.tm_min) = (Int32(hour), Int32(minute))
      if take(":", &rest) {
        guard let second = number(2, &rest), second <= 60 else { return nil }
        parts.tm_sec = Int32(second)
        if take(".", &rest) {
          guard let found = nanoseconds(ofFraction: &rest) else { return nil }
          fraction = found
        }
      }
      guard let found = takeOffset(&rest) else { return nil }
      offset = found
    }
    guard rest.isEmpty else { return nil }
    // The machine's zone decides whether it was summer.
    parts.tm_isdst = -1
    let seconds = offset == nil ? mktime(&parts) : timegm(&parts) - (offset ?? 0)
    let (product, overflow) = Int64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, overflowOfSum) = product.addingReportingOverflow(Int64(fraction))
    return overflow || overflowOfSum ? nil : sum
  }

  private static func take(_ character: Character, _ rest: inout Substring) -> Bool {
    guard rest.first == character else { return false }
    rest.removeFirst()
    return true
  }

  /// A number of exactly `digitCount` digits.
  private static func number(_ digitCount: Int, _ rest: inout Substring) -> Int? {
    let digits = rest.prefix(digitCount)
    guard digits.utf8.count == digitCount, digits.utf8.allSatisfy({ (48...57).contains($0) })
    else { return nil }
    rest.removeFirst(digitCount)
    return Int(digits)
  }

  /// One digit or more behind the point of the seconds; those after the ninth are dropped.
  private static func nanoseconds(ofFraction rest: inout Substring) -> Int? {
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    guard !digits.isEmpty else { return nil }
    rest.removeFirst(digits.count)
    let nine = digits.prefix(9) + String(repeating: "0", count: max(0, 9 - digits.count))
    return Int(nine)
  }

  /// The offset from UTC in seconds; `.some(nil)` when none is given, `nil` for anything else.
  private static func takeOffset(_ rest: inout Substring) -> Int?? {
    guard !rest.isEmpty else { return .some(nil) }
    if take("Z", &rest) || take("z", &rest) { return 0 }
    let sign = take("+", &rest) ? 1 : take("-", &rest) ? -1 : 0
    guard sign != 0, let hour = number(2, &rest) else { return nil }
    _ = take(":", &rest)
    guard let minute = number(2, &rest), hour < 24, minute < 60 else { return nil }
    return sign * (hour * 3600 + minute * 60)
  }

  private static func daysOfMonth(_ month: Int, year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
