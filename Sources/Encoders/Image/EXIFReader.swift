internal import CEXIF

/// The EXIF tags that we read.
enum EXIFTag: UInt16 {
  case make = 0x010F
  case model = 0x0110
  case orientation = 0x0112
  case dateTime = 0x0132
  case dateTimeOriginal = 0x9003
  case dateTimeDigitized = 0x9004
  case offsetTime = 0x9010
  case offsetTimeOriginal = 0x9011
  case offsetTimeDigitized = 0x9012
  case fraction = 0x9290
  case fractionOriginal = 0x9291
  case fractionDigitized = 0x9292
  case lensModel = 0xA434
}

/// The tags of the directory that says where the picture was taken.
private enum GPSTag: UInt16 {
  case latitudeReference = 1
  case latitude = 2
  case longitudeReference = 3
  case longitude = 4
  case altitudeReference = 5
  case altitude = 6
}

/// Reads EXIF data with libexif; what is missing, damaged or out of range keeps its default.
///
/// - Parameter block: TIFF-like data, with or without the six bytes `Exif\0\0` before it.
func readEXIF(_ block: UnsafeBufferPointer<UInt8>) -> ImageMetadata {
  let prefix: [UInt8] = Array("Exif".utf8) + [0, 0]
  guard block.count >= 8, block.count < Int(Int32.max), let data = exif_data_new() else {
    return ImageMetadata()
  }
  defer { exif_data_unref(data) }
  // Otherwise libexif adds what it misses, such as today as the date.
  exif_data_unset_option(data, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION)
  exif_data_unset_option(data, EXIF_DATA_OPTION_IGNORE_UNKNOWN_TAGS)
  let bytes = block.starts(with: prefix) ? Array(block) : prefix + block
  bytes.withUnsafeBufferPointer { exif_data_load_data(data, $0.baseAddress, UInt32($0.count)) }

  let exif = LoadedEXIF(data: data)
  var metadata = ImageMetadata(
    orientation: exif.orientation, cameraMake: exif.text(.make), cameraModel: exif.text(.model),
    lens: exif.text(.lensModel), place: exif.place)
  let dates: [(EXIFTag, EXIFTag, EXIFTag)] = [
    (.dateTimeOriginal, .fractionOriginal, .offsetTimeOriginal),
    (.dateTimeDigitized, .fractionDigitized, .offsetTimeDigitized),
    (.dateTime, .fraction, .offsetTime),
  ]
  for (date, fraction, offset) in dates {
    guard let text = exif.text(date).flatMap(EXIFTag.isoDate) else { continue }
    metadata.dateTaken = text
    metadata.secondFraction = exif.text(fraction).flatMap(EXIFTag.validFraction)
    metadata.utcOffset = exif.text(offset).flatMap(EXIFTag.validOffset)
    break
  }
  return metadata
}

/// Entries of the main, the EXIF and the GPS directory.
private struct LoadedEXIF {
  let data: UnsafeMutablePointer<ExifData>

  private func entry(_ tag: EXIFTag) -> UnsafeMutablePointer<ExifEntry>? {
    let directories = data.pointee.ifd
    return exif_content_get_entry(directories.0, ExifTag(UInt32(tag.rawValue)))
      ?? exif_content_get_entry(directories.2, ExifTag(UInt32(tag.rawValue)))
  }

  var orientation: Int {
    guard let entry = entry(.orientation), entry.pointee.format == EXIF_FORMAT_SHORT,
      entry.pointee.components >= 1, entry.pointee.size >= 2
    else { return 1 }
    let value = exif_get_short(entry.pointee.data, exif_data_get_byte_order(data))
    return EXIFTag.validOrientation(Int(value))
  }

  func text(_ tag: EXIFTag) -> String? {
    guard let entry = entry(tag), entry.pointee.format == EXIF_FORMAT_ASCII,
      entry.pointee.size <= 1024
    else { return nil }
    // Safe because an entry owns `size` bytes.
    let bytes = UnsafeBufferPointer(start: entry.pointee.data, count: Int(entry.pointee.size))
    return EXIFTag.cleaned(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
  }

  private func entry(_ tag: GPSTag) -> UnsafeMutablePointer<ExifEntry>? {
    exif_content_get_entry(data.pointee.ifd.3, ExifTag(UInt32(tag.rawValue)))
  }

  /// Where the picture was taken, if the directory says so and makes sense.
  var place: ImageMetadata.Place? {
    guard let latitude = numbers(.latitude, count: 3),
      let longitude = numbers(.longitude, count: 3)
    else { return nil }
    var altitude = numbers(.altitude, count: 1)?[0]
    if let entry = entry(.altitudeReference), entry.pointee.size >= 1, entry.pointee.data[0] == 1 {
      altitude = altitude.map { -$0 }
    }
    return ImageMetadata.Place(
      latitude: latitude, reference: letter(.latitudeReference), longitude: longitude,
      reference: letter(.longitudeReference), altitude: altitude)
  }

  private func letter(_ tag: GPSTag) -> UInt8? {
    guard let entry = entry(tag), entry.pointee.size >= 1 else { return nil }
    return entry.pointee.data[0]
  }

  /// So many fractions, unless one of them is none.
  private func numbers(_ tag: GPSTag, count: Int) -> [Double]? {
    guard let entry = entry(tag), entry.pointee.format == EXIF_FORMAT_RATIONAL,
      entry.pointee.components >= count, Int(entry.pointee.size) >= 8 * count,
      let start = entry.pointee.data
    else { return nil }
    let order = exif_data_get_byte_order(data)
    var numbers: [Double] = []
    for index in 0..<count {
      // Safe because an entry owns `size` bytes, and a fraction has eight.
      let fraction = exif_get_rational(start + 8 * index, order)
      guard fraction.denominator != 0 else { return nil }
      numbers.append(Double(fraction.numerator) / Double(fraction.denominator))
    }
    return numbers
  }
}

extension ImageMetadata.Place {
  /// A place from degrees, minutes and seconds and the letters N or S, E or W; `nil` when it is
  /// nowhere on Earth.
  init?(
    latitude: [Double], reference northOrSouth: UInt8?, longitude: [Double],
    reference eastOrWest: UInt8?, altitude: Double?
  ) {
    func degrees(_ parts: [Double]) -> Double { parts[0] + parts[1] / 60 + parts[2] / 3600 }
    let (north, east) = (degrees(latitude), degrees(longitude))
    guard (0...90).contains(north), (0...180).contains(east), let northOrSouth, let eastOrWest,
      Array("NS".utf8).contains(northOrSouth), Array("EW".utf8).contains(eastOrWest)
    else { return nil }
    self.latitude = northOrSouth == UInt8(ascii: "S") ? -north : north
    self.longitude = eastOrWest == UInt8(ascii: "W") ? -east : east
    self.altitude = altitude.flatMap { $0.isFinite ? $0 : nil }
  }
}

extension EXIFTag {
  /// The orientation, or 1 when it is out of range.
  static func validOrientation(_ value: Int) -> Int { (1...8).contains(value) ? value : 1 }

  /// The text without surrounding space and without control characters; `nil` when nothing is left.
  static func cleaned(_ text: String) -> String? {
    let visible = text.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }
    let words = String(String.UnicodeScalarView(visible)).split(separator: " ")
    return words.isEmpty ? nil : words.joined(separator: " ")
  }

  /// `YYYY:MM:DD HH:MM:SS` as `YYYY-MM-DDTHH:MM:SS`; `nil` when it is no date.
  static func isoDate(_ text: String) -> String? {
    let characters = Array(text.utf8.prefix(19))
    guard characters.count == 19 else { return nil }
    func number(_ range: Range<Int>) -> Int? {
      guard characters[range].allSatisfy({ (48...57).contains($0) }) else { return nil }
      return characters[range].reduce(0) { $0 * 10 + Int($1) - 48 }
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
      let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
      year > 0, (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
      second <= 60
    else { return nil }
    func part(_ range: Range<Int>) -> String { String(decoding: characters[range], as: UTF8.self) }
    return "\(part(0..<4))-\(part(5..<7))-\(part(8..<10))"
      + "T\(part(11..<13)):\(part(14..<16)):\(part(17..<19))"
  }

  /// The digits of a fraction of a second, nine at most; `nil` when there are others.
  static func validFraction(_ text: String) -> String? {
    let digits = text.utf8.prefix(9)
    guard !digits.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return String(decoding: digits, as: UTF8.self)
  }

  /// The text when it is an offset from UTC such as `+02:00`.
  static func validOffset(_ text: String) -> String? {
    if text == "Z" { return "+00:00" }
    let characters = Array(text.utf8)
    guard characters.count == 6, text.first == "+" || text.first == "-", characters[3] == 58,
      let hour = Int(String(decoding: characters[1..<3], as: UTF8.self)), (0...14).contains(hour),
      let minute = Int(String(decoding: characters[4..<6], as: UTF8.self)),
      (0...59).contains(minute)
    else { return nil }
    return text
  }
}
