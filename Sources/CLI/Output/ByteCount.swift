#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A size as people read it: `3.1 GB`, powers of 1,000.
func byteText(_ bytes: Int64) -> String {
  var value = Double(bytes)
  for unit in ["bytes", "kB", "MB", "GB", "TB"] {
    if value < 999.5 || unit == "TB" {
      return unit == "bytes"
        ? "\(bytes) bytes" : "\(decimal(value, digits: value < 10 ? 1 : 0)) \(unit)"
    }
    value /= 1_000
  }
  return "\(bytes) bytes"
}

/// A duration as people read it: `41 ms`, `2.3 s`, `8 min 12 s`, `3 h 5 min`.
func durationText(_ duration: Duration) -> String {
  let seconds = duration / .seconds(1)
  switch seconds {
  case ..<1: return "\(decimal(seconds * 1_000, digits: 0)) ms"
  case ..<60: return "\(decimal(seconds, digits: 1)) s"
  case ..<3_600: return "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
  default: return "\(Int(seconds) / 3_600) h \(Int(seconds) / 60 % 60) min"
  }
}

/// A moment as people read it, in the local time zone: `2026-11-21 15:04`.
func dateText(_ seconds: Int64) -> String {
  var time = time_t(seconds)
  var parts = tm()
  guard localtime_r(&time, &parts) != nil else { return "\(seconds)" }
  func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + "\(number)" }
  return "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
    + "\(two(parts.tm_hour)):\(two(parts.tm_min))"
}

/// A number with a fixed count of decimals, without Foundation.
func decimal(_ value: Double, digits: Int) -> String {
  guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
  let scale = (0..<digits).reduce(1.0) { product, _ in product * 10 }
  let rounded = (abs(value) * scale).rounded()
  let whole = Int64(rounded / scale)
  let sign = value < 0 && rounded > 0 ? "-" : ""
  guard digits > 0 else { return "\(sign)\(whole)" }
  let fraction = String(Int64(rounded) - whole * Int64(scale))
  return "\(sign)\(whole).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
}

/// A count with thin groups: `62 376`.
func countText(_ count: Int) -> String {
  var text = ""
  for (index, digit) in String(count).reversed().enumerated() {
    if index > 0, index % 3 == 0, digit != "-" { text.append(" ") }
    text.append(digit)
  }
  return String(text.reversed())
}
