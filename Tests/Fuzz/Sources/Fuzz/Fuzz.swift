import CFuzzer
import Glibc

/// The decoder that inputs are given to.
let chosen: PersistentDecoder = {
  guard let name = getenv("FILIP_DECODER"),
    let decoder = PersistentDecoder(rawValue: String(cString: name))
  else { fatalError("FILIP_DECODER names no decoder") }
  return decoder
}()

/// `fuzz seeds FOLDER` writes what the encoders write into a folder for each decoder, `fuzz names`
/// lists the decoders; everything else is for libFuzzer.
@main
struct Fuzz {
  static func main() {
    switch CommandLine.arguments.dropFirst().first {
    case "names":
      for decoder in PersistentDecoder.allCases { print(decoder.rawValue) }
    case "seeds":
      for decoder in PersistentDecoder.allCases { write(decoder.seeds, of: decoder) }
    default:
      var count = CommandLine.argc
      var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
      exit(
        LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
          // Safe because libFuzzer keeps the bytes for the time of the call.
          _ = chosen.decode(Array(UnsafeBufferPointer(start: bytes, count: count)))
          return 0
        })
    }
  }

  private static func write(_ seeds: [[UInt8]], of decoder: PersistentDecoder) {
    let folder = CommandLine.arguments[2] + "/" + decoder.rawValue
    mkdir(folder, 0o777)
    for (number, seed) in seeds.enumerated() {
      guard let file = fopen("\(folder)/seed-\(number)", "w") else { fatalError("no \(folder)") }
      fwrite(seed, 1, seed.count, file)
      fclose(file)
    }
  }
}
