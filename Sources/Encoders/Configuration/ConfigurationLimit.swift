/// The largest sizes that are believed; the largest published models stay well below.
enum ConfigurationLimit {
  static let width = 1 << 14
  static let layers = 1 << 8
  static let vocabulary = 1 << 22
  static let positions = 1 << 16
  static let imageSize = 1 << 12
  static let patches = 1 << 16
  static let registers = 1 << 8
  static let ratio = 64.0
}
