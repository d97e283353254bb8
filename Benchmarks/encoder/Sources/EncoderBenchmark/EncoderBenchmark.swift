import FilipEncoders
import Glibc

/// Encodes batches of one random image, as often as it is told to.
///
///     EncoderBenchmark <model directory> [token mode [f32 | int8]]
///
/// Reads lines "<workers> <batch size> <batches per worker>" from standard input and answers each
/// with the wall-clock seconds and the processor seconds that took, and the peak memory in MB.
@main struct EncoderBenchmark {
  static func main() async throws {
    let arguments = CommandLine.arguments
    let model = try ModelDirectory(path: arguments[1])
    let mode = arguments.count > 2 ? TokenMode(rawValue: arguments[2]) : nil
    let format = arguments.count > 3 ? ComputeFormat(rawValue: arguments[3]) : nil
    let encoder = try ImageEncoder(model: model, tokenMode: mode, format: format ?? .float32)
    let image = randomImage(for: model)
    var workspaces: [EncoderWorkspace] = []
    while let line = readLine() {
      let numbers = line.split(separator: " ").compactMap { Int($0) }
      let (workers, batchSize, batchCount) = (numbers[0], numbers[1], numbers[2])
      while workspaces.count < workers { workspaces.append(encoder.makeWorkspace()) }
      let images = Array(repeating: image, count: batchSize)
      let start = (wall: seconds(CLOCK_MONOTONIC), cpu: seconds(CLOCK_PROCESS_CPUTIME_ID))
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<workers {
          nonisolated(unsafe) let workspace = workspaces[worker]
          group.addTask {
            for _ in 0..<batchCount {
              _ = try encoder.encode(images, workspace: workspace)
            }
          }
        }
        try await group.waitForAll()
      }
      let wall = seconds(CLOCK_MONOTONIC) - start.wall
      let cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - start.cpu
      var usage = rusage()
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      print(wall, cpu, Double(usage.ru_maxrss) / 1024)
      fflush(nil)
    }
  }

  static func randomImage(for model: ModelDirectory) -> PreparedImage {
    guard let preprocessing = model.preprocessing else { fatalError("a model for images") }
    let side = preprocessing.outputSize?.width ?? 224
    var state: UInt32 = 1
    let pixels = (0..<side * side * 3).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(state >> 24)
    }
    return ImagePreprocessor(configuration: preprocessing)
      .prepare(DecodedImage(width: side, height: side, pixels: pixels, format: .png))
  }

  static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
