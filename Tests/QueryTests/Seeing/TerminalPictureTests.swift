import FilipEncoders
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct TerminalPictureTests {
  private let decoder = ImageDecoder(limits: DecodingLimits(maximumPixelCount: 1_000_000))

  private func noise(width: Int, height: Int, seed: UInt64 = 3) -> DecodedImage {
    var generator = SeededGenerator(seed: seed)
    let pixels = (0..<width * height * 3).map { _ in UInt8.random(in: 0...255, using: &generator) }
    return DecodedImage(width: width, height: height, pixels: pixels, format: .png)
  }

  @Test(arguments: [(1, 1), (7, 5), (300, 2), (64, 64)])
  func `a PNG file holds every pixel`(width: Int, height: Int) throws {
    let image = noise(width: width, height: height)
    let read = try decoder.decode(try image.pngData())
    #expect(read.width == width && read.height == height && read.pixels == image.pixels)
    #expect(read.format == .png)
  }

  @Test func `kitty's chunks hold the picture and ask for no answer`() throws {
    let image = noise(width: 60, height: 40)
    let text = try TerminalPicture(image).text(.kitty, depth: .full, columns: 80)
    #expect(text.hasSuffix("\u{1B}\\\n"))
    let commands = text.dropLast().split(separator: "\u{1B}\\").map { command in
      command.dropFirst("\u{1B}_G".count).split(separator: ";").map(String.init)
    }
    #expect(commands.count > 1 && commands[0][0] == "a=T,f=100,q=2,m=1")
    #expect(commands.dropFirst().dropLast().allSatisfy { $0[0] == "m=1" && $0[1].count == 4_096 })
    #expect(commands.last?[0] == "m=0" && (commands.last?[1].count ?? 0) <= 4_096)
    let file = try #require(bytes(base64: commands.map { $0[1] }.joined()))
    #expect(try decoder.decode(file).pixels == image.pixels)
    // A picture of one chunk says so at once.
    let small = try TerminalPicture(noise(width: 2, height: 2))
      .text(.kitty, depth: .full, columns: 80)
    #expect(small.hasPrefix("\u{1B}_Ga=T,f=100,q=2,m=0;"))
  }

  @Test func `iTerm2 gets the whole file with its size`() throws {
    let image = noise(width: 9, height: 9)
    let text = try TerminalPicture(image).text(.iterm2, depth: .full, columns: 80)
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    let file = try #require(bytes(base64: String(parts[1].dropLast(2))))
    #expect(text.hasSuffix("\u{7}\n"))
    #expect(
      parts[0] == "\u{1B}]1337;File=inline=1;size=\(file.count);preserveAspectRatio=1")
    #expect(try decoder.decode(file).pixels == image.pixels)
  }

  /// What a terminal makes of sixels, read from the DEC manual: for each pixel red, green and blue in
  /// per cent, or nothing.
  private func decode(sixels text: String) throws -> (width: Int, pixels: [[Int]?]) {
    let start = try #require(text.firstRange(of: "q\"1;1;"))
    var rest = text[start.upperBound...]
    func number() -> Int {
      let digits = rest.prefix { $0.isNumber }
      rest = rest.dropFirst(digits.count)
      return Int(digits) ?? -1
    }
    let width = number()
    rest = rest.dropFirst()
    let height = number()
    var pixels = [[Int]?](repeating: nil, count: width * height)
    var colours: [Int: [Int]] = [:]
    var (colour, x, y) = (0, 0, 0)
    while let character = rest.popFirst(), character != "\u{1B}" {
      switch character {
      case "#":
        colour = number()
        guard rest.first == ";" else { continue }
        var values: [Int] = []
        while rest.first == ";" {
          rest = rest.dropFirst()
          values.append(number())
        }
        #expect(values.count == 4 && values[0] == 2)
        colours[colour] = Array(values[1...])
      case "$": x = 0
      case "-": (x, y) = (0, y + 6)
      default:
        var (count, dots) = (1, character)
        if character == "!" {
          count = number()
          let repeated = rest.popFirst()
          dots = try #require(repeated)
        }
        let bits = try #require(dots.asciiValue) - 63
        #expect(bits < 64)
        for _ in 0..<count {
          for row in 0..<6 where bits >> UInt8(row) & 1 == 1 {
            #expect(x < width && y + row < height)
            #expect(pixels[(y + row) * width + x] == nil, "each pixel once")
            pixels[(y + row) * width + x] = colours[colour]
          }
          x += 1
        }
      }
    }
    return (width, pixels)
  }

  @Test(arguments: [(1, 1), (5, 6), (40, 13), (33, 31)])
  func `sixels are the picture in 216 colours`(width: Int, height: Int) throws {
    let image = noise(width: width, height: height, seed: 8)
    let text = try TerminalPicture(image).text(.sixel, depth: .full, columns: 80)
    #expect(text.hasPrefix("\u{1B}P0;1;0q") && text.hasSuffix("\u{1B}\\\n"))
    let (decodedWidth, pixels) = try decode(sixels: text)
    #expect(decodedWidth == width && !pixels.contains(nil))
    let colours = sixelColours(of: image).map { Int($0) }
    let expected = colours.map { [$0 / 36 * 20, $0 / 6 % 6 * 20, $0 % 6 * 20] }
    #expect(pixels.compactMap(\.self) == expected)
  }

  @Test func `what is rounded away is spread, so that areas keep their colour`() throws {
    // Grey of 30 %, between two of the fifths that sixels have here.
    let image = DecodedImage(
      width: 40, height: 40, pixels: Array(repeating: 77, count: 4_800), format: .png)
    let (_, pixels) = try decode(sixels: sixelText(image))
    let values = pixels.compactMap { $0?[0] }
    #expect(Set(values) == [20, 40])
    #expect(abs(Double(values.reduce(0, +)) / 1_600 - 77 / 2.55) < 0.5)
    // Long runs of one colour are counted.
    let white = DecodedImage(
      width: 100, height: 6, pixels: Array(repeating: 255, count: 1_800), format: .png)
    #expect(sixelText(white).contains("#215!100~"))
  }

  @Test func `blocks show two pixels a character`() throws {
    let image = noise(width: 6, height: 5)
    let text = try TerminalPicture(image).text(.blocks, depth: .full, columns: 80)
    let lines = text.split(separator: "\n")
    #expect(lines.count == 3 && lines.allSatisfy { $0.hasSuffix("\u{1B}[0m") })
    let canvas = Canvas(image)
    for (row, line) in lines.enumerated() {
      let cells = line.split(separator: "▀").dropLast()
      #expect(cells.count == 6)
      for (column, cell) in cells.enumerated() {
        let numbers = cell.dropFirst(2).dropLast().split(separator: ";").compactMap { Int($0) }
        let upper = canvas[column, row * 2]
        #expect(numbers.prefix(5) == [38, 2, Int(upper.red), Int(upper.green), Int(upper.blue)])
        guard row < 2 else {
          #expect(numbers.count == 5, "no pixel below the last row")
          continue
        }
        let lower = canvas[column, row * 2 + 1]
        #expect(numbers.suffix(5) == [48, 2, Int(lower.red), Int(lower.green), Int(lower.blue)])
      }
    }
    let narrow = try TerminalPicture(noise(width: 50, height: 20))
      .text(.blocks, depth: .indexed, columns: 10)
    #expect(narrow.split(separator: "\n").count == 2)
    #expect(narrow.contains("38;5;") && !narrow.contains("38;2;"))
  }

  @Test func `the nearest of xterm's colours is found`() {
    let levels = [0, 95, 135, 175, 215, 255]
    func colour(_ index: Int) -> [Int] {
      guard index < 232 else { return Array(repeating: 8 + 10 * (index - 232), count: 3) }
      return [levels[(index - 16) / 36], levels[(index - 16) / 6 % 6], levels[(index - 16) % 6]]
    }
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<300 {
      let wanted = (0..<3).map { _ in Int.random(in: 0...255, using: &generator) }
      let grey = [wanted[0], wanted[0], wanted[0]]
      for values in [wanted, grey] {
        func distance(_ index: Int) -> Int {
          zip(colour(index), values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        }
        let found = indexedColour(
          nearest: RGB(UInt8(values[0]), UInt8(values[1]), UInt8(values[2])))
        #expect(distance(found) == (16..<256).map(distance).min(), "\(values)")
      }
    }
  }

  @Test(arguments: [
    ("kitty", ["TERM": "xterm-kitty"]), ("kitty", ["TERM": "xterm", "KITTY_WINDOW_ID": "1"]),
    ("kitty", ["TERM": "xterm-ghostty"]),
    ("iterm2", ["TERM": "xterm", "TERM_PROGRAM": "iTerm.app"]),
    ("iterm2", ["TERM": "xterm", "LC_TERMINAL": "iTerm2"]),
    ("iterm2", ["TERM": "xterm", "TERM_PROGRAM": "WezTerm"]), ("sixel", ["TERM": "foot"]),
    ("sixel", ["TERM": "mlterm-256color"]), ("blocks", ["TERM": "xterm-256color"]),
    ("blocks", ["TERM": "xterm-kitty", "TMUX": "1"]),
    ("blocks", ["TERM": "screen", "KITTY_WINDOW_ID": "1"]), ("none", ["TERM": "dumb"]),
    ("none", [:]),
  ])
  func `a terminal is known by its environment`(name: String, environment: [String: String]) {
    let found = PictureProtocol { environment[$0] }
    #expect((found?.rawValue ?? "none") == name, "\(environment)")
  }

  @Test func `the depth of colours is what the terminal says`() {
    #expect(ColourDepth { ["COLORTERM": "truecolor"][$0] } == .full)
    #expect(ColourDepth { ["COLORTERM": "24bit"][$0] } == .full)
    #expect(ColourDepth { ["TERM": "xterm-direct"][$0] } == .full)
    #expect(ColourDepth { ["TERM": "xterm-256color"][$0] } == .indexed)
  }
}
