// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "encoder-benchmark",
  dependencies: [.package(name: "filip", path: "../..")],
  targets: [
    .executableTarget(
      name: "EncoderBenchmark", dependencies: [.product(name: "Filip", package: "filip")])
  ],
  swiftLanguageModes: [.v6]
)
