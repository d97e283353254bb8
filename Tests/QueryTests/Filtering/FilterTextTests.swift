import FilipStore
import Foundation
import Testing

@testable import FilipQuery

@Suite struct FilterTextTests {
  @Test func `moments with an offset are those of a calendar`() throws {
    let formatter = ISO8601DateFormatter()
    for text in [
      "2024-06-01T12:30:05Z", "1970-01-01T00:00:00Z", "2000-02-29T23:59:59+05:30",
      "1969-12-31T23:59:59-11:00", "2100-02-28T00:00:00+14:00",
    ] {
      let date = try #require(formatter.date(from: text))
      #expect(
        TimeText.nanoseconds(of: text) == Int64(date.timeIntervalSince1970) * 1_000_000_000,
        "\(text)")
    }
    #expect(TimeText.nanoseconds(of: "1970-01-01T00:00:01.25Z") == 1_250_000_000)
    #expect(TimeText.nanoseconds(of: "1970-01-01T00:00:01.1234567891Z") == 1_123_456_789)
    #expect(TimeText.nanoseconds(of: "1970-01-01 02:00+0200") == 0)
  }

  @Test func `moments without an offset are local`() throws {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .current
    for (year, month, day, hour) in [(2024, 6, 1, 0), (2024, 1, 31, 13), (1985, 7, 15, 8)] {
      let parts = DateComponents(year: year, month: month, day: day, hour: hour)
      let date = try #require(calendar.date(from: parts))
      let text = String(format: "%04d-%02d-%02dT%02d:00", year, month, day, hour)
      #expect(
        TimeText.nanoseconds(of: text) == Int64(date.timeIntervalSince1970) * 1_000_000_000,
        "\(text)")
      if hour == 0 {
        let day = String(text.prefix(10))
        #expect(TimeText.nanoseconds(of: day) == TimeText.nanoseconds(of: text))
      }
    }
  }

  @Test func `what is no moment is refused`() {
    for text in [
      "", "2024", "2024-06", "2024-6-1", "2024-13-01", "2024-00-10", "2023-02-29", "2024-06-31",
      "2024-06-01T", "2024-06-01T24:00", "2024-06-01T12", "2024-06-01T12:60", "2024-06-01T12:30:61",
      "2024-06-01T12:30:05.", "2024-06-01T12:30 ", "2024-06-01T12:30+2", "2024-06-01Z", "x",
      "9999-01-01", "0001-01-01T00:00Z", "２０２４-06-01",
    ] {
      #expect(TimeText.nanoseconds(of: text) == nil, "\(text)")
    }
    for text in ["", "week", "2 fortnights", "-3d", "3d2", "1e3d", "@", "@x", "@9999999999999"] {
      #expect(FilterText.moment(text, now: 0) == nil, "\(text)")
    }
  }

  @Test func `an age is counted back from now`() {
    let second: Int64 = 1_000_000_000
    let now: Int64 = 1_700_000_000 * second
    func age(_ text: String) -> Int? {
      FilterText.moment(text, now: now).map { Int((now - $0) / second) }
    }
    #expect(age("2weeks") == 14 * 86_400)
    #expect(age("3d") == 3 * 86_400)
    #expect(age("1y") == 31_557_600)
    #expect(age("1M") == 2_630_016)
    #expect(age("1m") == 60)
    #expect(age("1h 30min 5s") == 5_405)
    #expect(age("2 days 1hour") == 2 * 86_400 + 3_600)
    #expect(FilterText.moment("@5", now: 0) == 5 * second)
    #expect(FilterText.moment("2024-06-01T00:00:00Z", now: 0) == 1_717_200_000 * second)
  }

  @Test func `sizes of files and pictures, and places`() throws {
    #expect(FilterText.fileSizes("+10M") == 10_000_000...UInt64.max)
    #expect(FilterText.fileSizes("-2ki") == 0...2_048)
    #expect(FilterText.fileSizes("512") == 512...512)
    #expect(FilterText.fileSizes("+1GiB") == (1 << 30)...UInt64.max)
    #expect(FilterText.fileSizes("7kb") == 7_000...7_000)
    for text in ["", "+", "x", "10x", "1i", "1bi", "99999999999t", "1.5M", "--1"] {
      #expect(FilterText.fileSizes(text) == nil, "\(text)")
    }
    let size = try #require(FilterText.size("800x600"))
    #expect(size == (800, 600))
    for text in ["800", "x", "800x", "800x600x2", "-1x2", "8 x 6"] {
      #expect(FilterText.size(text) == nil, "\(text)")
    }
    let place = try #require(FilterText.surroundings("-33.85, 151.2, 10.5"))
    #expect(place.center == ItemRecord.Place(latitude: -33.85, longitude: 151.2))
    #expect(place.kilometers == 10.5)
    for text in ["", "1,2", "1,2,3,4", "91,0,1", "0,181,1", "0,0,-1", "a,b,c", "nan,0,1"] {
      #expect(FilterText.surroundings(text) == nil, "\(text)")
    }
  }

  @Test func `distances are those of known places`() {
    // Munich to Salzburg: 116.0 km.
    let around = FilterText.surroundings("48.1374,11.5755,115")!
    let salzburg = FilterText.surroundings("47.8095,13.0550,0")!.center
    #expect(!around.contains(salzburg))
    #expect(SearchFilter.Surroundings(center: around.center, kilometers: 117).contains(salzburg))
    // Across the date line.
    let fiji = FilterText.surroundings("-17,179.9,30")!
    #expect(fiji.contains(FilterText.surroundings("-17,-179.9,0")!.center))
  }

  @Test func `patterns and their exclusions are those of fnmatch`() {
    func matches(_ path: String, _ globs: String...) -> Bool {
      var globs = PathGlobs(globs)
      return globs.matches(Array(path.utf8).span)
    }
    #expect(matches("/a/b.jpg"))
    #expect(matches("/a/b.jpg", "*.jpg"))
    #expect(!matches("/a/b.JPG", "*.jpg"))
    #expect(!matches("/a/b.jpg.png", "*.jpg"))
    #expect(matches("/a/b.jpg", "b.*"))
    #expect(matches("/a/b.jpg", "/a/*"))
    #expect(!matches("/a/b.jpg", "a/*"))
    #expect(matches("/a/b.jpg", "*a/b*"))
    #expect(matches("/a/b.jpg", "*.png", "?.jp[a-g]"))
    #expect(!matches("/a/b.jpg", "!*.jpg"))
    #expect(!matches("/a/b.jpg", "*.jpg", "!b*"))
    #expect(matches("/a/c.jpg", "*.jpg", "!b*"))
    #expect(matches("name", "*ame"))
    #expect(!matches("me", "*name"))
    #expect(matches("/a/b", "*"))
    #expect(matches("/a/*.x", "\\**"))
  }
}
