/// Turns the components of a `tokenizer.json` into ours, or says which one we do not have.
///
/// What we accept gives the same ids as the reference; everything else is refused by name.
struct ComponentReading {
  /// The file's name for errors.
  let file: String

  func unsupported(_ what: String) -> TokenizerError {
    TokenizerError(.unsupportedComponent, file: file, problem: "\(what) is not supported")
  }

  func malformed(_ what: String) -> TokenizerError {
    TokenizerError(.malformedFile, file: file, problem: "\(what) is malformed")
  }

  func inconsistent(_ problem: String) -> TokenizerError {
    TokenizerError(.inconsistentVocabulary, file: file, problem: problem)
  }

  /// The type of a component, shortened for an error's one line.
  func type(of component: JSONValue) -> String {
    String((component["type"]?.string ?? "without a type").prefix(64))
  }

  /// A Boolean member, which may be missing.
  func flag(
    _ name: String, of object: JSONObject, default fallback: Bool, in what: String
  ) throws(TokenizerError) -> Bool {
    guard let value = object[name], value != .null else { return fallback }
    guard let flag = value.bool else { throw malformed("\(name) of the \(what)") }
    return flag
  }

  // MARK: - Vocabulary

  /// Refuses tokens and ids that clash.
  func check(_ vocabulary: Vocabulary) throws(TokenizerError) {
    if let (reason, token) = vocabulary.failure {
      switch reason {
      case .duplicateToken: throw inconsistent("the token '\(token)' appears twice")
      case .duplicateID: throw inconsistent("the id of '\(token)' belongs to another token")
      case .idOutOfRange: throw inconsistent("the id of '\(token)' is out of range")
      }
    }
    guard vocabulary.count > 0 else { throw inconsistent("the vocabulary is empty") }
  }

  /// The id of a token that has to be there.
  func id(of token: String, vocabulary: Vocabulary) throws(TokenizerError) -> Int32 {
    guard let id = vocabulary.id(of: token) else {
      throw inconsistent("the vocabulary lacks '\(token.prefix(64))'")
    }
    return id
  }

  /// The table of merges.
  func merges(_ list: MergeList) throws(TokenizerError) -> MergeTable {
    let number = list.merges.count + 1
    switch list.failure {
    case .malformed: throw malformed("merge \(number)")
    case .unknownToken:
      throw inconsistent("merge \(number) names a token outside the vocabulary")
    case .unknownResult:
      throw inconsistent("the result of merge \(number) is not in the vocabulary")
    case .tooMany: throw inconsistent("there are more than \(Vocabulary.limit) merges")
    case nil: break
    }
    var table = MergeTable(capacity: list.merges.count)
    for merge in list.merges {
      guard table.append(merge.left, merge.right, result: merge.result) else {
        throw inconsistent("merge \(table.count + 1) appears twice")
      }
    }
    return table
  }

  // MARK: - Added tokens

  /// Added tokens by the text in which they are found.
  struct AddedTokenLists {
    /// Found in the text as typed.
    var raw: [AddedTokens.Token] = []
    /// Found in the normalised text.
    var normalized: [AddedTokens.Token] = []
    /// One more than the largest id, the vocabulary's included.
    var idCount: Int
  }

  /// The added tokens; those that the vocabulary lacks have to follow its ids.
  func addedTokens(
    _ value: JSONValue?, vocabulary: Vocabulary
  ) throws(TokenizerError) -> AddedTokenLists {
    var lists = AddedTokenLists(idCount: vocabulary.idCount)
    guard let value, value != .null else { return lists }
    guard let elements = value.array, elements.count <= 1 << 16 else {
      throw malformed("the list of added tokens")
    }
    var contents: Set<[Unicode.Scalar]> = []
    var nextID = vocabulary.count
    for element in elements {
      guard let object = element.object, let content = element["content"]?.string,
        let id = element["id"]?.integer, !content.isEmpty, content.utf8.count <= 1024
      else { throw malformed("an added token") }
      let known = vocabulary.id(of: content)
      guard id == known.map(Int64.init) ?? Int64(nextID), id < Vocabulary.limit else {
        throw inconsistent("the added token '\(content.prefix(64))' has an id that is not its own")
      }
      if known == nil { nextID += 1 }
      let token = AddedTokens.Token(
        content: Array(content.unicodeScalars), id: Int32(id),
        isSingleWord: try flag("single_word", of: object, default: false, in: "added token"),
        stripsLeft: try flag("lstrip", of: object, default: false, in: "added token"),
        stripsRight: try flag("rstrip", of: object, default: false, in: "added token"))
      guard contents.insert(token.content).inserted else {
        throw inconsistent("the added token '\(content.prefix(64))' appears twice")
      }
      let isSpecial = try flag("special", of: object, default: false, in: "added token")
      if try flag("normalized", of: object, default: !isSpecial, in: "added token") {
        lists.normalized.append(token)
      } else {
        lists.raw.append(token)
      }
      lists.idCount = max(lists.idCount, Int(id) + 1)
    }
    return lists
  }

  /// The members of a `Sequence`, or the component itself.
  func members(
    _ name: String, of component: JSONValue
  ) throws(TokenizerError) -> [JSONValue] {
    guard component["type"] == .string("Sequence") else { return [component] }
    guard let members = component[name]?.array else { throw malformed("the list of \(name)") }
    return members
  }

  // MARK: - Start and end

  /// What stands around the words.
  struct Frame {
    /// Ids before the first word.
    var prefix: [Int32] = []
    /// Ids after the last word.
    var suffix: [Int32] = []
    /// Whether an end that is spelled out at the end of the text counts.
    var endsOnce = false
  }

  /// The special tokens at start and end.
  func postProcessor(_ value: JSONValue?, idCount: Int) throws(TokenizerError) -> Frame {
    guard let value, value != .null else { return Frame() }
    switch value["type"]?.string {
    case "RobertaProcessing", "BertProcessing":
      return Frame(
        prefix: [try id(value["cls"]?.array?.last, idCount: idCount)],
        suffix: [try id(value["sep"]?.array?.last, idCount: idCount)])
    case "TemplateProcessing": return try template(value, idCount: idCount)
    case "ByteLevel": return Frame()
    case "Sequence":
      let processors = try members("processors", of: value).filter {
        $0["type"] != .string("ByteLevel")
      }
      guard processors.count == 1, processors[0]["type"] != .string("Sequence") else {
        if processors.isEmpty { return Frame() }
        throw unsupported("the post-processor Sequence of several")
      }
      return try postProcessor(processors[0], idCount: idCount)
    default: throw unsupported("the post-processor \(type(of: value))")
    }
  }

  private func template(_ value: JSONValue, idCount: Int) throws(TokenizerError) -> Frame {
    guard let template = value["single"]?.array, template.count <= 16 else {
      throw malformed("the post-processor TemplateProcessing")
    }
    var frame = Frame()
    var hasText = false
    for element in template {
      if let name = element["SpecialToken"]?["id"]?.string {
        guard let ids = value["special_tokens"]?[name]?["ids"]?.array, ids.count <= 16 else {
          throw malformed("the post-processor TemplateProcessing")
        }
        for value in ids {
          let id = try id(value, idCount: idCount)
          if hasText { frame.suffix.append(id) } else { frame.prefix.append(id) }
        }
      } else if element["Sequence"]?["id"] == .string("A"), !hasText {
        hasText = true
      } else {
        throw unsupported("the post-processor TemplateProcessing with this template")
      }
    }
    guard hasText else {
      throw unsupported("the post-processor TemplateProcessing with this template")
    }
    return frame
  }

  private func id(_ value: JSONValue?, idCount: Int) throws(TokenizerError) -> Int32 {
    guard let id = value?.integer else { throw malformed("a special token of the post-processor") }
    guard id >= 0, id < idCount else {
      throw inconsistent("a special token of the post-processor has an id out of range")
    }
    return Int32(id)
  }
}
