import Filip

/// Indexes a folder and prints the five images that fit a text best, with the evidence per word.
///
///     swift run SearchFolder ~/Pictures "small balloon"
@main
struct SearchFolder {
  static func main() async throws {
    let (folder, query) = (CommandLine.arguments[1], CommandLine.arguments[2])
    let index = try ImageIndex(at: folder + "/.filip")
    try await index.update(folders: [folder])
    let results = try await index.search(query, count: 5)
    for hit in results.hits {
      print(hit.rank, hit.score, hit.path)
      for match in hit.matches {
        print("  ", results.terms[match.term].text, match.score, "in", match.region)
      }
    }
  }
}
