/// How a terminal is made to show a picture.
public enum PictureProtocol: String, Sendable, CaseIterable {
  /// The graphics protocol of kitty, which Ghostty and others speak too.
  case kitty
  /// Inline images of iTerm2, which WezTerm and mintty know.
  case iterm2
  /// Sixels of DEC's VT340: foot, mlterm, contour, xterm built for it.
  case sixel
  /// Half a character per pixel: any terminal that shows colours.
  case blocks

  /// What the terminal says of itself in its environment; it is not asked. `nil` for one that shows
  /// no pictures at all.
  ///
  /// Inside tmux and screen, which keep pictures from the terminal, these are blocks.
  public init?(environment: (String) -> String?) {
    let term = environment("TERM") ?? ""
    let program = environment("TERM_PROGRAM") ?? environment("LC_TERMINAL") ?? ""
    guard term != "dumb", !term.isEmpty else { return nil }
    if environment("TMUX") != nil || term.hasPrefix("screen") || term.hasPrefix("tmux") {
      self = .blocks
    } else if environment("KITTY_WINDOW_ID") != nil || term.contains("kitty")
      || term.contains("ghostty") || program == "ghostty"
    {
      self = .kitty
    } else if ["iTerm.app", "iTerm2", "WezTerm", "mintty"].contains(program) {
      self = .iterm2
    } else if ["foot", "mlterm", "contour", "yaft"].contains(where: term.hasPrefix)
      || term.contains("sixel")
    {
      self = .sixel
    } else {
      self = .blocks
    }
  }
}

/// How many colours a terminal shows.
public enum ColourDepth: Sendable, Hashable {
  /// The 256 of xterm.
  case indexed
  /// 8 bits for each of red, green and blue.
  case full

  /// What the terminal says of itself.
  public init(environment: (String) -> String?) {
    let announced = environment("COLORTERM") ?? ""
    let isFull =
      ["truecolor", "24bit"].contains(announced) || environment("TERM")?.hasSuffix("direct") == true
    self = isFull ? .full : .indexed
  }
}
