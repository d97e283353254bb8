internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOHTTP1

/// Asks the hub over HTTP and HTTPS.
///
/// Follows redirections itself: the token goes to the hub alone, never to the storage that it sends
/// one to, and an address without encryption is not taken for one with it.
struct HubConnection: Sendable {
  let settings: HubSettings
  private let client: HTTPClient

  private static let redirectionLimit = 8

  init(_ settings: HubSettings) throws(HubError) {
    self.settings = settings
    var configuration = HTTPClient.Configuration(
      redirectConfiguration: .disallow,
      timeout: .init(connect: .seconds(15), read: TimeAmount(settings.patience)))
    if let url = URL(string: settings.endpoint), let proxy = try settings.proxy(for: url) {
      configuration.proxy = .server(
        host: proxy.host, port: proxy.port,
        authorization: proxy.user.map {
          .basic(username: $0, password: proxy.password ?? "")
        })
    }
    client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  /// Gives the connections back; nothing can be asked afterwards.
  func close() async { try? await client.shutdown() }

  /// Sends a GET request and follows where it leads.
  /// - Parameter first: the first byte that is wanted.
  /// - Returns: the last answer, whatever its status.
  /// - Throws: what the client throws: the network's errors.
  func get(_ address: String, from first: Int = 0) async throws -> HTTPClientResponse {
    var address = address
    for _ in 0..<Self.redirectionLimit {
      var request = HTTPClientRequest(url: address)
      request.headers.add(name: "User-Agent", value: "filip")
      // Lengths and ranges are those of the file.
      request.headers.add(name: "Accept-Encoding", value: "identity")
      if first > 0 { request.headers.add(name: "Range", value: "bytes=\(first)-") }
      if let token = settings.token, Self.isSameHost(address, settings.endpoint) {
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
      }
      let response = try await client.execute(request, timeout: .hours(24))
      guard [301, 302, 303, 307, 308].contains(response.status.code) else { return response }
      guard let location = response.headers.first(name: "Location"),
        let next = URL(string: location, relativeTo: URL(string: address))?.absoluteURL,
        next.scheme == "https" || next.scheme == URL(string: address)?.scheme
      else {
        throw HubError(.damaged, "\(address) leads nowhere that can be followed")
      }
      address = next.absoluteString
    }
    throw HubError(.damaged, "\(address) leads round and round")
  }

  private static func isSameHost(_ address: String, _ other: String) -> Bool {
    guard let first = URL(string: address), let second = URL(string: other) else { return false }
    return first.scheme == second.scheme && first.host() == second.host()
      && first.port == second.port
  }

  /// Calls `body` until it succeeds, with longer and longer pauses between.
  ///
  /// What it throws as a `HubError` is final. Everything else, and a `Temporary`, is tried again,
  /// unless it happened too often in a row: `progress` tells whether something came in between.
  /// - Throws: `HubError`, or `CancellationError`.
  func retrying<Result: Sendable>(
    _ name: String, progress: () -> Int = { 0 }, _ body: () async throws -> Result
  ) async throws -> Result {
    var failureCount = 0
    while true {
      let before = progress()
      do {
        return try await body()
      } catch let error as HubError {
        throw error
      } catch let error as CancellationError {
        throw error
      } catch {
        failureCount = progress() > before ? 1 : failureCount + 1
        guard failureCount < settings.failureLimit else {
          throw HubError(
            .unavailable,
            "\(name): \(Self.reason(error)); what has come is kept, run the same command again")
        }
        let pause = settings.pause * (1 << (failureCount - 1))
        let asked = (error as? Temporary)?.pause ?? .zero
        try await Task.sleep(for: max(pause, min(asked, .seconds(60))))
      }
    }
  }

  /// An answer that may be another one later.
  struct Temporary: Error, CustomStringConvertible {
    var description: String
    /// How long the hub asks to wait.
    var pause: Duration?
  }

  /// What a status other than success means; `nil` for success.
  static func failure(_ response: HTTPClientResponse, _ name: String, _ settings: HubSettings)
    -> (any Error)?
  {
    let code = response.status.code
    switch code {
    case 200..<300: return nil
    case 401, 403:
      return HubError(
        .notAllowed,
        settings.token == nil
          ? "\(name): the hub knows no such model, or wants to know who asks: set HF_TOKEN"
          : "\(name): the hub does not give it to this token (\(code)); ask for access on its page")
    case 404:
      return HubError(.notFound, "\(name): the hub has no such model, revision or file")
    case 408, 425, 429, 500...:
      let seconds = response.headers.first(name: "Retry-After").flatMap { Int($0) }
      return Temporary(
        description: "the hub answers \(code)", pause: seconds.map { .seconds(max(0, $0)) })
    default:
      return HubError(.unavailable, "\(name): the hub answers \(code)")
    }
  }

  private static func reason(_ error: any Error) -> String {
    if let error = error as? Temporary { return error.description }
    if let error = error as? HTTPClientError {
      switch error {
      case .readTimeout: return "the hub says nothing more"
      case .connectTimeout: return "the hub cannot be reached"
      case .remoteConnectionClosed: return "the connection was closed"
      default: return "\(error)"
      }
    }
    return "the hub cannot be reached (\(error))"
  }
}

extension TimeAmount {
  fileprivate init(_ duration: Duration) {
    self = .nanoseconds(Int64(duration / .nanoseconds(1)))
  }
}
