// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "SearchFolder",
  dependencies: [.package(name: "filip", path: "../..")],
  targets: [
    .executableTarget(
      name: "SearchFolder", dependencies: [.product(name: "Filip", package: "filip")])
  ]
)
