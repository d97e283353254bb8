/// A tokenizer that cannot be loaded.
package struct TokenizerError: Error, Hashable, CustomStringConvertible {
  /// What is wrong.
  package enum Code: Sendable {
    /// The file is not there, cannot be read or is too large.
    case unreadableFile
    /// The file is not the JSON or the list of merges that it should be.
    case malformedFile
    /// The file asks for something we do not do.
    case unsupportedComponent
    /// Tokens, ids and merges that contradict each other.
    case inconsistentVocabulary
  }

  /// What is wrong.
  package let code: Code
  /// The file or folder.
  package let file: String
  /// What is wrong with it, without the file's name.
  package let problem: String

  /// An error about a file.
  package init(_ code: Code, file: String, problem: String) {
    self.code = code
    self.file = file
    self.problem = problem
  }

  package var description: String {
    let wayOut =
      switch code {
      case .unreadableFile: "check that the model's folder is complete and readable"
      case .malformedFile: "copy the file again from where the model comes from"
      case .unsupportedComponent: "use a model with a tokenizer of CLIP, SigLIP, Gemma or BERT"
      case .inconsistentVocabulary: "use the tokenizer that was saved with the model"
      }
    return "\(file): \(problem); \(wayOut)"
  }
}
