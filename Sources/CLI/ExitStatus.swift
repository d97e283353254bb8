import ArgumentParser
import FilipEncoders
import FilipHub
import FilipQuery
import FilipStore
import SystemPackage

/// Exit statuses; `filip help` and the README list them. Usage errors (64) come from
/// ArgumentParser.
enum ExitStatus: Int32 {
  /// Done; a search found something.
  case success = 0
  /// Ran correctly and found nothing.
  case nothingFound = 1
  /// Finished, with problems that were reported.
  case softProblems = 2
  /// A wrong flag, argument or query.
  case usage = 64
  /// Index or model data damaged or incompatible.
  case dataError = 65
  /// A folder, image, index or model is not there.
  case notFound = 66
  /// The hub cannot be reached, or nobody may go out to the network.
  case unavailable = 69
  /// An error of ours.
  case internalError = 70
  /// The index cannot be created or grown.
  case cannotCreate = 73
  /// The output cannot be written.
  case outputError = 74
  /// Another process writes to the index.
  case busy = 75
  /// Ctrl-C; the index is consistent.
  case interrupted = 130
  /// SIGTERM; the index is consistent.
  case terminated = 143

  /// The status for an error that reached the top.
  init(_ error: any Error) {
    switch error {
    case let error as QueryError:
      switch error.code {
      case .notFound: self = .notFound
      case .modelMismatch, .reductionMismatch, .damagedReduction: self = .dataError
      case .emptyQuery, .malformedQuery, .contradictoryQuery, .noScreen, .unusableReduction:
        self = .usage
      case .unreadable: self = .dataError
      }
    case let error as StoreError: self.init(error.code)
    case let error as EncoderError: self.init(error.code)
    case let error as HubError: self.init(error.code)
    case let error as OutputError: self = error.status
    case let error as Errno:
      self = error == .noSuchFileOrDirectory ? .notFound : .cannotCreate
    default: self = .internalError
    }
  }
}

extension ExitStatus {
  private init(_ code: StoreError.Code) {
    switch code {
    case .notFound: self = .notFound
    case .notAnIndex, .formatTooOld, .formatTooNew, .damaged, .incompatibleLibrary, .noSuchItem:
      self = .dataError
    case .busy, .readersFull: self = .busy
    case .readOnly, .permissionDenied, .diskFull, .mapFull, .networkFileSystem, .alreadyExists:
      self = .cannotCreate
    default: self = .internalError
    }
  }

  private init(_ code: HubError.Code) {
    switch code {
    case .notFound: self = .notFound
    case .notAllowed, .unavailable: self = .unavailable
    case .damaged: self = .dataError
    case .unwritable: self = .cannotCreate
    case .usage: self = .usage
    }
  }

  private init(_ code: EncoderError.Code) {
    switch code {
    case .emptyQuery, .unsupportedTokenMode: self = .usage
    case .unreadableFile: self = .notFound
    case .unwritableFile: self = .outputError
    default: self = .dataError
    }
  }

  /// Throwing this ends the program with the status and says nothing more.
  var exit: ExitCode { ExitCode(rawValue) }
}
