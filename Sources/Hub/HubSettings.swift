internal import Foundation
#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
package import FilipQuery
package import SystemPackage

/// Where the hub is and how it is asked: the variables that the hub's own client honours.
///
/// | variable | meaning |
/// | --- | --- |
/// | `HF_ENDPOINT` | another hub than https://huggingface.co |
/// | `HF_TOKEN`, else the file `HF_TOKEN_PATH`, else `token` in `HF_HOME` | who asks |
/// | `HF_HUB_OFFLINE` | `1`, `true`, `yes` or `on`: nothing is asked |
/// | `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, in either case | a proxy, by scheme |
package struct HubSettings: Sendable {
  /// Scheme, host and port of the hub, without a slash at the end.
  package var endpoint: String
  /// What identifies the user, if anything does.
  package var token: String?
  /// Whether nothing may be asked.
  package var isOffline: Bool
  /// The cache that is filled.
  package var cache: HubCache
  /// How long the first pause after a failure is; each following one is twice as long.
  package var pause: Duration = .milliseconds(500)
  /// Failures in a row, without a byte in between, after which a transfer is given up.
  package var failureLimit = 5
  /// How long the hub may say nothing.
  package var patience: Duration = .seconds(60)

  private let proxies: [String: String]
  private let hostsWithoutProxy: [String]

  /// The settings of the process's environment.
  /// - Throws: `HubError.usage` for an endpoint that is no address.
  package init(
    environment: (String) -> String? = HubCache.variable
  ) throws(HubError) {
    var endpoint = environment("HF_ENDPOINT") ?? "https://huggingface.co"
    while endpoint.hasSuffix("/") { endpoint.removeLast() }
    guard let url = URL(string: endpoint), url.host() != nil,
      url.scheme == "https" || url.scheme == "http"
    else {
      throw HubError(.usage, "HF_ENDPOINT is \(endpoint); give an address such as https://host")
    }
    self.endpoint = endpoint
    cache = HubCache(environment: environment)
    isOffline = ["1", "true", "yes", "on"].contains(
      environment("HF_HUB_OFFLINE")?.lowercased() ?? "")
    token = environment("HF_TOKEN") ?? Self.storedToken(environment)
    func either(_ name: String) -> String? {
      environment(name.lowercased()) ?? environment(name)
    }
    var proxies: [String: String] = [:]
    for scheme in ["http", "https"] {
      proxies[scheme] = either(scheme.uppercased() + "_PROXY") ?? either("ALL_PROXY")
    }
    self.proxies = proxies
    hostsWithoutProxy =
      either("NO_PROXY")?.split(separator: ",")
      .map { $0.trimmingCharacters(in: .whitespaces).lowercased() } ?? []
  }

  private static func storedToken(_ environment: (String) -> String?) -> String? {
    let path =
      environment("HF_TOKEN_PATH").map { FilePath($0) }
      ?? HubCache.home(environment: environment).appending("token")
    guard let bytes = try? path.read(upTo: 4_096) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(
      in: .whitespacesAndNewlines)
    return text.isEmpty ? nil : text
  }

  /// A proxy: where it is, and who asks it.
  struct Proxy: Hashable, Sendable {
    var host: String
    var port: Int
    var user: String?
    var password: String?
  }

  /// The proxy for a hub's address; `nil` for none.
  /// - Throws: `HubError.usage` for a proxy that is no address.
  func proxy(for url: URL) throws(HubError) -> Proxy? {
    guard let scheme = url.scheme, let text = proxies[scheme], !text.isEmpty else { return nil }
    let host = url.host()?.lowercased() ?? ""
    for pattern in hostsWithoutProxy where !pattern.isEmpty {
      let name = pattern.hasPrefix(".") ? String(pattern.dropFirst()) : pattern
      if pattern == "*" || host == name || host.hasSuffix("." + name) { return nil }
    }
    guard let proxy = URL(string: text.contains("://") ? text : "http://" + text),
      let proxyHost = proxy.host(), proxy.scheme == "http"
    else {
      throw HubError(
        .usage, "\(scheme.uppercased())_PROXY is \(text); give an address such as http://host:3128")
    }
    return Proxy(
      host: proxyHost, port: proxy.port ?? 80, user: proxy.user(), password: proxy.password())
  }
}
