import Glibc
import StoreProof

/// What the proofs of the store run in processes of their own: see the roles.
@main
struct Driver {
  static func main() async {
    let arguments = Arguments(CommandLine.arguments)
    do {
      switch arguments.role {
      case "write":
        var role = WriterRole(arguments)
        try role.run()
      case "soak-write":
        var role = SoakWriterRole(arguments)
        try role.run()
      case "soak-read":
        var role = SoakReaderRole(arguments)
        try await role.run()
      case let role: fail("no role \(role)")
      }
    } catch {
      fail("\(error)")
    }
  }
}
