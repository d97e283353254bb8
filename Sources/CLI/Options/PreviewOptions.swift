public import ArgumentParser
import FilipEncoders
public import FilipQuery

/// Whether pictures are shown in the terminal, and how.
struct PreviewOptions: ParsableArguments {
  @Flag(
    name: [.short, .long],
    help: ArgumentHelp(
      "Show pictures in the terminal, with the matching patches marked.",
      discussion: "By the graphics of kitty or iTerm2, sixels, or blocks of colour, as the "
        + "environment tells of the terminal (TERM, TERM_PROGRAM, KITTY_WINDOW_ID, COLORTERM)."))
  var preview = false

  @Option(
    help: ArgumentHelp(
      "How pictures are shown: kitty, iterm2, sixel or blocks; also where the output is no terminal.",
      discussion: "Implies -p. Default: what the terminal seems to know.", valueName: "protocol"))
  var pictureProtocol: PictureProtocol?

  /// Whether pictures are asked for.
  var isWanted: Bool { preview || pictureProtocol != nil }

  /// What shows the pictures; `nil` where none are asked for or can be shown, which is said then.
  func preview(_ messages: MessageOptions) -> TerminalPreview? {
    guard isWanted else { return nil }
    let detected =
      StandardOutput.isTerminal ? PictureProtocol(environment: environment) : nil
    guard let pictureProtocol = pictureProtocol ?? detected else {
      messages.note(
        StandardOutput.isTerminal
          ? "this terminal shows no pictures; leave out -p, or name a --picture-protocol"
          : "the output is no terminal, so no pictures are shown; name a --picture-protocol to write "
            + "them all the same")
      return nil
    }
    return TerminalPreview(
      pictureProtocol: pictureProtocol, depth: ColourDepth(environment: environment),
      columnCount: min(StandardOutput.columnCount, 72))
  }
}

/// Shows pictures in a terminal.
struct TerminalPreview {
  var pictureProtocol: PictureProtocol
  var depth: ColourDepth
  /// How wide a picture of blocks is at most, in characters.
  var columnCount: Int

  /// The longest side of a picture with its marks, in pixels: of blocks, as many as are shown, so that
  /// lines stay lines.
  var pictureSide: Int { pictureProtocol == .blocks ? columnCount : 240 }

  /// The bytes that show a picture.
  func text(of image: DecodedImage) throws -> String {
    try TerminalPicture(image).text(pictureProtocol, depth: depth, columns: columnCount)
  }
}

extension PictureProtocol: ExpressibleByArgument {}
