/// EXIF data written by hand from the TIFF 6.0 and EXIF 2.32 specifications.
public struct EXIFBytes {
  /// One entry of a directory.
  public struct Entry {
    var tag: UInt16
    var type: UInt16
    var count: UInt32
    /// The value in units of its type.
    var numbers: [UInt32] = []
    var text: [UInt8] = []

    /// Text, with a zero behind it.
    public static func ascii(_ tag: UInt16, _ text: String) -> Entry {
      let bytes = Array(text.utf8) + [0]
      return Entry(tag: tag, type: 2, count: UInt32(bytes.count), text: bytes)
    }

    /// Bytes.
    public static func bytes(_ tag: UInt16, _ bytes: [UInt8]) -> Entry {
      Entry(tag: tag, type: 1, count: UInt32(bytes.count), text: bytes)
    }

    /// Numbers of 16 bits.
    public static func short(_ tag: UInt16, _ values: UInt16...) -> Entry {
      Entry(tag: tag, type: 3, count: UInt32(values.count), numbers: values.map(UInt32.init))
    }

    /// Numbers of 32 bits.
    public static func long(_ tag: UInt16, _ values: UInt32...) -> Entry {
      Entry(tag: tag, type: 4, count: UInt32(values.count), numbers: values)
    }

    /// Fractions, numerator and denominator in turn.
    public static func rational(_ tag: UInt16, _ values: UInt32...) -> Entry {
      Entry(tag: tag, type: 5, count: UInt32(values.count / 2), numbers: values)
    }
  }

  /// Motorola's byte order.
  public var isBigEndian = false
  /// The main directory, without the pointers to the others.
  public var main: [Entry] = []
  /// The EXIF directory.
  public var exif: [Entry] = []
  /// The GPS directory.
  public var gps: [Entry] = []

  /// Nothing.
  public init(isBigEndian: Bool = false) { self.isBigEndian = isBigEndian }

  /// The data, from the TIFF header on.
  public func bytes() -> [UInt8] {
    // Pointers have the same size whatever they say.
    let mainEntries = main + [.long(0x8769, 0), .long(0x8825, 0)]
    let exifOffset = 8 + directory(mainEntries, at: 8).count
    let gpsOffset = exifOffset + directory(exif, at: exifOffset).count
    let pointers: [Entry] = [
      .long(0x8769, UInt32(exifOffset)), .long(0x8825, UInt32(gpsOffset)),
    ]
    var bytes: [UInt8] = isBigEndian ? [0x4D, 0x4D] : [0x49, 0x49]
    bytes += number(42, 2) + number(8, 4)
    bytes += directory(main + pointers, at: 8)
    bytes += directory(exif, at: exifOffset)
    return bytes + directory(gps, at: gpsOffset)
  }

  private func directory(_ entries: [Entry], at offset: Int) -> [UInt8] {
    let entries = entries.sorted { $0.tag < $1.tag }
    var rows = number(UInt32(entries.count), 2)
    var data: [UInt8] = []
    let dataOffset = offset + 2 + 12 * entries.count + 4
    for entry in entries {
      let width = entry.type == 3 ? 2 : 4
      var value = entry.numbers.flatMap { number($0, width) } + entry.text
      rows += number(UInt32(entry.tag), 2) + number(UInt32(entry.type), 2)
      rows += number(entry.count, 4)
      if value.count <= 4 {
        rows += value + [UInt8](repeating: 0, count: 4 - value.count)
      } else {
        rows += number(UInt32(dataOffset + data.count), 4)
        if value.count % 2 == 1 { value.append(0) }
        data += value
      }
    }
    return rows + number(0, 4) + data
  }

  private func number(_ value: UInt32, _ byteCount: Int) -> [UInt8] {
    let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    return isBigEndian ? bytes.reversed() : bytes
  }

  /// A JPEG with the data as its first segment.
  public func inserted(intoJPEG file: [UInt8]) -> [UInt8] {
    let content = Array("Exif".utf8) + [0, 0] + bytes()
    let count = content.count + 2
    return file[..<2] + [0xFF, 0xE1, UInt8(count >> 8), UInt8(count & 255)] + content + file[2...]
  }
}
