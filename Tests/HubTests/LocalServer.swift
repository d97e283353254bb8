import Glibc
import Synchronization

/// A server on loopback that answers each request as it is told, down to a cut connection.
///
/// One request per connection. It ends with the object.
final class LocalServer: Sendable {
  struct Request: Sendable {
    /// The path.
    var target: String
    /// By lower-case names.
    var headers: [String: String]
    /// When the server is asked as a proxy: the host and port it is to lead to, and its headers.
    var tunnel: (target: String, headers: [String: String])?
  }

  struct Answer: Sendable {
    var status = 200
    var headers: [String: String] = [:]
    var body: [UInt8] = []
    /// Bytes of the body after which the connection is closed; `nil` for all of them.
    var cutAfter: Int?
    /// Called when all that is sent was sent, before the connection is closed.
    var beforeCut: (@Sendable () -> Void)?
  }

  private let descriptor: CInt
  private let seen = Mutex<[Request]>([])
  let port: UInt16

  /// `http://127.0.0.1:PORT`.
  var address: String { "http://127.0.0.1:\(port)" }
  /// What has been asked so far.
  var requests: [Request] { seen.withLock { $0 } }

  init(_ answer: @escaping @Sendable (Request) -> Answer) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        precondition(bind(descriptor, address, length) == 0 && listen(descriptor, 16) == 0)
        getsockname(descriptor, address, &length)
      }
    }
    port = UInt16(bigEndian: name.sin_port)
    signal(SIGPIPE, SIG_IGN)
    start { [weak self] connection in
      guard let request = Self.read(connection) else { return }
      self?.seen.withLock { $0.append(request) }
      Self.write(answer(request), to: connection)
    }
  }

  // The thread closes it: until then nobody else gets its number.
  deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }

  private func start(_ serve: @escaping @Sendable (CInt) -> Void) {
    final class Work: Sendable {
      let body: @Sendable () -> Void
      init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let descriptor = descriptor
    let work = Work {
      while true {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0 else {
          close(descriptor)
          return
        }
        serve(connection)
        shutdown(connection, Int32(SHUT_RDWR))
        close(connection)
      }
    }
    var thread = pthread_t()
    let made = pthread_create(
      &thread, nil,
      { pointer in
        Unmanaged<Work>.fromOpaque(pointer!).takeRetainedValue().body()
        return nil
      }, Unmanaged.passRetained(work).toOpaque())
    precondition(made == 0)
    pthread_detach(thread)
  }

  /// Reads a request; as a proxy, the one that comes through the tunnel.
  private static func read(_ connection: CInt) -> Request? {
    guard let first = readHead(connection) else { return nil }
    guard first.method == "CONNECT" else { return first.method == "GET" ? first.request : nil }
    send(Array("HTTP/1.1 200 X\r\n\r\n".utf8), to: connection)
    guard var second = readHead(connection), second.method == "GET" else { return nil }
    second.request.tunnel = (first.request.target, first.request.headers)
    return second.request
  }

  private static func readHead(_ connection: CInt) -> (method: String, request: Request)? {
    var bytes: [UInt8] = []
    while !bytes.suffix(4).elementsEqual("\r\n\r\n".utf8) {
      var byte: UInt8 = 0
      guard recv(connection, &byte, 1, 0) == 1, bytes.count < 65_536 else { return nil }
      bytes.append(byte)
    }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
    let parts = lines[0].split(separator: " ")
    guard parts.count == 3 else { return nil }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      headers[line[..<colon].lowercased()] = String(value)
    }
    return (String(parts[0]), Request(target: String(parts[1]), headers: headers))
  }

  private static func write(_ answer: Answer, to connection: CInt) {
    var head = "HTTP/1.1 \(answer.status) X\r\nConnection: close\r\n"
    var headers = answer.headers
    if headers["Content-Length"] == nil { headers["Content-Length"] = "\(answer.body.count)" }
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    send(
      Array((head + "\r\n").utf8) + answer.body.prefix(answer.cutAfter ?? .max), to: connection)
    answer.beforeCut?()
  }

  private static func send(_ bytes: [UInt8], to connection: CInt) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(connection, $0.baseAddress, $0.count, 0)
      }
      guard count > 0 else { return }
      sent += count
    }
  }
}
