// swift-tools-version: 6.2
import PackageDescription

// The decoders of persistent bytes under libFuzzer; built and run by scripts/fuzz, which passes the
// flags that a manifest may not.
let package = Package(
  name: "fuzz",
  dependencies: [
    .package(name: "filip", path: "../.."),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: [
    .target(name: "CFuzzer", path: "Sources/CFuzzer"),
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "CFuzzer", .product(name: "Filip", package: "filip"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: ".", exclude: ["Decoders/Corpora", "Decoders/CorpusTests.swift", "Sources/CFuzzer"],
      sources: ["Sources/Fuzz", "Decoders/PersistentDecoder.swift", "Decoders/DecoderSeeds.swift"],
      swiftSettings: [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
