import FilipLateInteraction
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import FilipQuery

@Suite struct PromptTests {
  @Test func `a template takes the label in the place of its braces`() throws {
    let template = try PromptTemplate("itap of a {}, a type of {pet}.")
    #expect(template.text(for: "cat {}") == "itap of a cat {}, a type of {pet}.")
    #expect(PromptTemplate.photo == (try PromptTemplate("a photo of a {}")))
    for text in ["a photo", "{} and {}", "", "{ }"] {
      #expect { try PromptTemplate(text) } throws: {
        ($0 as? QueryError)?.code == .malformedQuery && "\($0)".contains("{} once")
      }
    }
  }

  @Test func `a file has a template a line, and a line without a place is named`() throws {
    let folder = try TemporaryDirectory()
    func templates(_ text: String) throws -> [String] {
      let path = folder.path + "/templates"
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      return try PromptTemplate.templates(in: FilePath(path)).map(\.text)
    }
    #expect(try templates("a {}\n\nmy {}.\r\n") == ["a {}", "my {}."])
    #expect { try templates("a {}\n\na dog\n") } throws: { "\($0)".contains("line 3") }
    #expect { try templates("\n") } throws: { "\($0)".contains("no template") }
  }

  @Test func `the paper's tables combine prefixes, descriptions and suffixes`() {
    let counts: [(PromptTable, Int)] = [
      (.imagenet, 30), (.cifar10, 42), (.cifar100, 42), (.caltech101, 20), (.cars, 48),
      (.food101, 42), (.sun397, 48), (.dtd, 30), (.aircraft, 60), (.pets, 30), (.eurosat, 40),
    ]
    #expect(counts.map(\.0) == PromptTable.allCases)
    for (table, count) in counts {
      #expect(Set(table.templates).count == count && table.templates.count == count, "\(table)")
    }
    let imagenet = PromptTable.imagenet.templates.map { $0.text(for: "balloon") }
    #expect(imagenet.first == "a photo of a balloon. I like it.")
    #expect(imagenet.last == "itap of a balloon. It's beautiful.")
    let pets = PromptTable.pets.templates.map(\.text)
    #expect(pets[0] == "a photo of my {}, a type of pet.")
    #expect(pets.contains("a good photo of my {}, a type of dog or cat. It's cute."))
  }
}
