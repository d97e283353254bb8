/// The prompts that FILIP classifies data sets with (Yao et al., ICLR 2022, appendix): every prefix
/// with every description and every suffix.
///
/// That of Flowers102 is left out, since the paper abbreviates it.
public enum PromptTable: String, Sendable, CaseIterable {
  case imagenet, cifar10, cifar100, caltech101, cars, food101, sun397, dtd, aircraft, pets, eurosat

  /// The ensemble, in the order of prefixes, then descriptions, then suffixes.
  public var templates: [PromptTemplate] {
    prefixes.flatMap { prefix in
      descriptions.flatMap { description in
        suffixes.map {
          PromptTemplate(prefix: prefix, description: description, suffix: $0)
        }
      }
    }
  }

  private var prefixes: [String] {
    switch self {
    case .imagenet:
      [
        "a photo of a", "a good photo of a", "a bad photo of a", "a close-up photo of a",
        "itap of a",
      ]
    case .cifar10:
      [
        "a photo of a", "a jpeg photo of a", "a painting of a", "itap of a", "graffiti of a",
        "a cartoon", "a doodle",
      ]
    case .cifar100:
      [
        "a jpeg photo of a", "a painting of a", "a good photo of a", "a bad photo of a",
        "a photo of a", "itap of a", "a rendering of a",
      ]
    case .caltech101:
      ["a photo of a", "a cropped photo of a", "a good photo of a", "a bad photo of a"]
    case .cars:
      ["a photo of a", "a close-up photo of a", "a good photo of a", "a bad photo of a"]
    case .food101: ["a photo of my", "a close-up photo of my", "itap of my"]
    case .sun397:
      [
        "a photo of a", "a good photo of a", "a bad photo of a", "a bright photo of a",
        "a dark photo of a", "a black and white photo of a", "a nice scene of a",
        "a terrible scene of a",
      ]
    case .dtd: ["itap of a", "a close-up photo of a"]
    case .aircraft:
      [
        "a photo of the", "a close-up photo of the", "a good photo of the",
        "a pixelated photo of the",
      ]
    case .pets: ["a photo of my", "a low resolution photo of my", "a good photo of my"]
    case .eurosat:
      [
        "a photo of a", "a painting of a", "a cropped photo of a", "a good photo of a",
        "a blurry photo of a",
      ]
    }
  }

  /// An empty one stands for none.
  private var descriptions: [String] {
    switch self {
    case .imagenet, .cifar10, .cifar100, .caltech101, .sun397: [""]
    case .cars: ["a type of car", "a type of automobile"]
    case .food101: ["a type of food", "a type of nourishment"]
    case .dtd: ["texture", "surface", "material"]
    case .aircraft: ["a type of plane", "a type of aircraft", "a type of airliner"]
    case .pets: ["a type of pet", "a type of dog or cat"]
    case .eurosat: ["", "an example of aerial or satellite images"]
    }
  }

  /// An empty one stands for none.
  private var suffixes: [String] {
    switch self {
    case .imagenet:
      [
        "I like it", "It's common in daily life", "It's not common in daily life", "It's ugly",
        "It's cute", "It's beautiful",
      ]
    case .cifar10:
      [
        "", "It's common in daily life", "It's cute", "It's ugly", "It's weird",
        "Hope you like it",
      ]
    case .cifar100:
      [
        "", "It's common in daily life", "It's beautiful", "It's ugly", "I like it",
        "I take it today",
      ]
    case .caltech101: ["", "I like it", "I hate it", "It's ugly", "It's cute"]
    case .cars:
      [
        "I like it", "It belongs to my friend", "It's brand new", "It's popular recently",
        "It's important to me", "I take it today",
      ]
    case .food101:
      [
        "I made it today", "I like it", "I hate it", "It's delicious", "It's with nice flavour",
        "It's with terrible flavour", "It's popular recently",
      ]
    case .sun397:
      [
        "", "I like it", "I hate it", "It's beautiful", "It's common in daily life",
        "It's important to me",
      ]
    case .dtd:
      ["", "It's out of style", "It's popular in old days", "It's ugly", "It's beautiful"]
    case .aircraft:
      ["", "I like it", "It's important to me", "I take it today", "Hope you like it"]
    case .pets: ["", "It's cute", "It's important to me", "I like it", "It's beautiful"]
    case .eurosat:
      [
        "", "I like it", "It's taken from an aircraft or some flying object",
        "It's collected by imaging satellites",
      ]
    }
  }
}
