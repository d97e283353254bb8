// swift-tools-version: 6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A C library that comes from the system's packages.
func systemLibrary(_ name: String, pkgConfig: String?, apt: String) -> Target {
  .systemLibrary(
    name: name, path: "Sources/CModules/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// A Swift target of ours; the folder drops the project's name.
func module(
  _ name: String, path: String, dependencies: [Target.Dependency]
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/\(path)", swiftSettings: swiftSettings)
}

func tests(
  _ name: String, of dependencies: [Target.Dependency], resources: [Resource] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], path: "Tests/\(name)",
    resources: resources, swiftSettings: swiftSettings)
}

let package = Package(
  name: "filip",
  products: [
    .library(name: "Filip", targets: ["Filip"]),
    .executable(name: "filip", targets: ["FilipCLI"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    // For the hub alone: nothing of these is built into a program that uses the library.
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
  ],
  targets: [
    systemLibrary("COpenBLAS", pkgConfig: "openblas", apt: "libopenblas-dev"),
    systemLibrary("CLMDB", pkgConfig: "lmdb", apt: "liblmdb-dev"),
    systemLibrary("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
    systemLibrary("CXXHash", pkgConfig: "libxxhash", apt: "libxxhash-dev"),
    systemLibrary("CJPEG", pkgConfig: "libjpeg", apt: "libjpeg62-turbo-dev"),
    systemLibrary("CPNG", pkgConfig: "libpng", apt: "libpng-dev"),
    systemLibrary("CWebP", pkgConfig: "libwebpdemux", apt: "libwebp-dev"),
    systemLibrary("CGIF", pkgConfig: nil, apt: "libgif-dev"),
    systemLibrary("CTIFF", pkgConfig: "libtiff-4", apt: "libtiff-dev"),
    // Loaded when first needed, not linked; hence no pkg-config.
    systemLibrary("CHEIF", pkgConfig: nil, apt: "libheif-dev"),
    systemLibrary("CEXIF", pkgConfig: "libexif", apt: "libexif-dev"),

    // C, only where Swift cannot say it.
    .target(name: "CKernels", path: "Sources/CModules/CKernels"),
    .target(
      name: "CImageShims", dependencies: ["CJPEG", "CTIFF", "CHEIF"],
      path: "Sources/CModules/CImageShims"),

    module(
      "FilipLinearAlgebra", path: "LinearAlgebra", dependencies: ["COpenBLAS", "CKernels"]),
    module(
      "FilipLateInteraction", path: "LateInteraction", dependencies: ["FilipLinearAlgebra"]),
    module(
      "FilipEncoders", path: "Encoders",
      dependencies: [
        "FilipLateInteraction", "FilipLinearAlgebra", "CImageShims", "CPNG", "CWebP", "CGIF",
        "CEXIF", "CXXHash",
      ]),
    module("FilipStore", path: "Store", dependencies: ["FilipLateInteraction", "CLMDB", "CZstd"]),
    module(
      "FilipQuery", path: "Query",
      dependencies: [
        "FilipEncoders", "FilipStore", "FilipLateInteraction", "FilipLinearAlgebra",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    module(
      "Filip", path: "Filip",
      dependencies: [
        "FilipQuery", "FilipEncoders", "FilipStore", "FilipLateInteraction",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    module(
      "FilipHub", path: "Hub",
      dependencies: [
        "FilipQuery", "FilipEncoders",
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .executableTarget(
      name: "FilipCLI",
      dependencies: [
        "FilipHub", "FilipQuery", "FilipEncoders", "FilipStore", "FilipLateInteraction",
        "FilipLinearAlgebra",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Sources/CLI", swiftSettings: swiftSettings),

    .target(
      name: "TestSupport", dependencies: ["FilipLateInteraction"], path: "Tests/TestSupport",
      swiftSettings: swiftSettings),
    // What the proofs of the store share: a model of an index, and a program that works on one in a
    // process of its own, where the disk fails when it is told to.
    .target(
      name: "StoreProof", dependencies: ["FilipStore", "FilipLateInteraction", "TestSupport"],
      path: "Tests/StoreProof", swiftSettings: swiftSettings),
    .target(name: "CStoreFaults", path: "Tests/CStoreFaults"),
    .executableTarget(
      name: "StoreDriver",
      dependencies: [
        "StoreProof", "CStoreFaults", "FilipQuery", "FilipStore", "FilipLateInteraction",
        "TestSupport",
      ],
      path: "Tests/StoreDriver", swiftSettings: swiftSettings),
    tests("LinearAlgebraTests", of: ["FilipLinearAlgebra"]),
    tests("LateInteractionTests", of: ["FilipLateInteraction", "FilipLinearAlgebra"]),
    tests(
      "EncodersTests", of: ["FilipEncoders", "FilipLateInteraction", "FilipLinearAlgebra"],
      resources: [.copy("Fixtures")]),
    tests(
      "StoreTests",
      of: ["FilipStore", "FilipLateInteraction", "FilipLinearAlgebra", "StoreProof"]),
    tests(
      "QueryTests",
      of: [
        "Filip", "FilipQuery", "FilipEncoders", "FilipStore", "FilipLateInteraction",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    tests(
      "HubTests",
      of: [
        "FilipHub", "FilipQuery", .product(name: "SystemPackage", package: "swift-system"),
      ]),
    // What scripts/fuzz found is decoded again in every test run.
    .testTarget(
      name: "DecoderTests",
      dependencies: [
        "FilipQuery", "FilipEncoders", "FilipStore", "FilipLateInteraction", "TestSupport",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Tests/Fuzz/Decoders", resources: [.copy("Corpora")], swiftSettings: swiftSettings),
    tests("CLITests", of: ["FilipCLI", "FilipStore", "FilipLateInteraction"]),
  ],
  swiftLanguageModes: [.v6]
)
