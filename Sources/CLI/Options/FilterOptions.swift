public import ArgumentParser
public import FilipEncoders
public import FilipQuery
import FilipStore

/// Which images of the index are looked at.
struct FilterOptions: ParsableArguments {
  @Option(
    name: .customLong("in"), parsing: .singleValue,
    help: ArgumentHelp("Only images at or below this path; may be repeated.", valueName: "path"))
  var scope: [String] = []

  @Option(
    name: [.short, .long], parsing: .singleValue,
    help: ArgumentHelp(
      "Only images whose name or path matches this shell pattern, or, after an exclamation mark, "
        + "does not ('!*.png'); may be repeated.", valueName: "glob"))
  var glob: [String] = []

  @Option(
    help: ArgumentHelp(
      "Only images taken at this date (2024-06-01, 2024-06-01T12:30) or later, or no longer ago "
        + "than this (2weeks, 3d, 1y).",
      discussion: "By the date in the picture, else by that of the file.", valueName: "when"))
  var after: String?

  @Option(
    help: ArgumentHelp(
      "Only images taken before this date, or longer ago than this.", valueName: "when"))
  var before: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Only images with this tag (see filip tag), or, after an exclamation mark, without it; may "
        + "be repeated.", valueName: "word"))
  var tag: [String] = []

  @Option(
    help: ArgumentHelp(
      "Only images whose camera or lens has this in its name.", valueName: "text"))
  var camera: String?

  @Option(
    help: ArgumentHelp("Only images with at least so many pixels.", valueName: "WxH"))
  var minSize: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Only files of at least (+10M), at most (-200k) or exactly so many bytes.",
      valueName: "bytes"))
  var size: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Only files of this kind: \(ImageFormat.allCases.map(\.rawValue).joined(separator: ", ")); "
        + "may be repeated.", valueName: "kind"))
  var imageFormat: [ImageFormat] = []

  @Option(help: ArgumentHelp("Only pictures that stand so: portrait, landscape or square."))
  var orientation: SearchFilter.Orientation?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Only pictures taken no farther from a place: degrees north and east, kilometres.",
      valueName: "lat,lon,km"))
  var near: String?

  func validate() throws { _ = try conditions() }

  /// The filter that the flags ask for.
  func filter() throws -> SearchFilter {
    var filter = try conditions()
    filter.paths = try scope.map(namedPath)
    return filter
  }

  /// All but the paths, which are looked up on the disk.
  private func conditions() throws -> SearchFilter {
    var filter = SearchFilter()
    filter.globs = glob
    filter.after = try after.map { try moment($0, "--after") }
    filter.before = try before.map { try moment($0, "--before") }
    if let start = filter.after, let end = filter.before, start >= end {
      throw ValidationError("--after \(after ?? "") is not before --before \(before ?? "")")
    }
    for word in tag {
      let isExcluded = word.hasPrefix("!")
      let tag = try itemTag(isExcluded ? String(word.dropFirst()) : word)
      if isExcluded { filter.excludedTags.insert(tag) } else { filter.tags.insert(tag) }
    }
    filter.camera = camera
    if let minSize {
      guard let size = FilterText.size(minSize) else {
        throw ValidationError("--min-size '\(minSize)': give width and height, such as 800x600")
      }
      (filter.minimumWidth, filter.minimumHeight) = size
    }
    filter.fileSizes = try size.map { text in
      guard let sizes = FilterText.fileSizes(text) else {
        throw ValidationError("--size '\(text)': give bytes, such as +10M, -200k or 512")
      }
      return sizes
    }
    filter.formats = Set(imageFormat)
    filter.orientation = orientation
    filter.surroundings = try near.map { text in
      guard let surroundings = FilterText.surroundings(text) else {
        throw ValidationError(
          "--near '\(text)': give degrees north and east and kilometres, such as 48.137,11.575,20")
      }
      return surroundings
    }
    return filter
  }

  private func moment(_ text: String, _ flag: String) throws -> Int64 {
    guard let moment = FilterText.moment(text) else {
      throw ValidationError(
        "\(flag) '\(text)': give a date (2024-06-01), a date and time (2024-06-01T12:30), or an age "
          + "(2weeks, 3d, 1y)")
    }
    return moment
  }
}

/// The tag that an argument names.
func itemTag(_ word: String) throws -> ItemTag {
  guard let tag = ItemTag(word) else {
    throw ValidationError(
      "'\(word)' is no tag: give up to \(ItemTag.longestByteCount) bytes of text without commas and "
        + "line ends, and no exclamation mark at its beginning")
  }
  return tag
}

extension ImageFormat: ExpressibleByArgument {
  /// The format of a name; `jpg`, `tif` and `heif` are known too.
  public init?(argument: String) {
    let aliases = ["jpg": "jpeg", "tif": "tiff", "heif": "heic"]
    let name = argument.lowercased()
    self.init(rawValue: aliases[name] ?? name)
  }
}

extension SearchFilter.Orientation: ExpressibleByArgument {}
