import Testing
import TestSupport

@testable import FilipLateInteraction

@Suite struct TokenRotationTests {
  static let dimensions = [1, 2, 3, 5, 8, 12, 33, 64, 96, 128, 200, 768, 1000]

  /// The definition: signs, then every entry of Sylvester's matrix, on the first and last `m`.
  func reference(_ row: [Float]) -> [Double] {
    let count = row.count
    var width = 1
    while 2 * width <= count { width *= 2 }
    var signs = SeededGenerator(seed: UInt64(count))
    var values = row.map(Double.init)
    for first in count == width ? [0] : [0, count - width] {
      let signed = (0..<width).map { values[first + $0] * (signs.next() >> 63 == 0 ? 1 : -1) }
      for i in 0..<width {
        values[first + i] =
          (0..<width).reduce(0) { sum, j in
            sum + ((i & j).nonzeroBitCount % 2 == 0 ? signed[j] : -signed[j])
          } / Double(width).squareRoot()
      }
    }
    return values
  }

  @Test(arguments: dimensions) func `a rotation is signs and Hadamard's matrix`(count: Int) {
    var generator = SeededGenerator(seed: 7)
    let row = generator.floats(count)
    var rotated: [Double] = []
    TokenRotation(dimension: count).rotate(row[...], into: &rotated)
    #expect(zip(rotated, reference(row)).allSatisfy { abs($0 - $1) < 1e-12 })
  }

  @Test(arguments: dimensions) func `lengths and angles stay, and so does the way back`(count: Int)
  {
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    var generator = SeededGenerator(seed: 8)
    let rows = [generator.floats(count), generator.floats(count)]
    let rotation = TokenRotation(dimension: count)
    var rotated: [[Double]] = [[], []]
    for index in 0..<2 { rotation.rotate(rows[index][...], into: &rotated[index]) }
    let given = rows.map { $0.map(Double.init) }
    for (i, j) in [(0, 0), (0, 1), (1, 1)] {
      #expect(abs(dot(rotated[i], rotated[j]) - dot(given[i], given[j])) < 1e-10)
    }
    for index in 0..<2 {
      rotation.rotateBack(&rotated[index])
      #expect(zip(rotated[index], given[index]).allSatisfy { abs($0 - $1) < 1e-12 })
    }
  }

  @Test func `a token of one value is spread over all dimensions`() {
    var row = [Float](repeating: 0, count: 128)
    row[5] = 1
    var rotated: [Double] = []
    TokenRotation(dimension: 128).rotate(row[...], into: &rotated)
    #expect(rotated.allSatisfy { abs(abs($0) - 1 / 128.0.squareRoot()) < 1e-15 })
    #expect(Set(rotated.map { $0 < 0 }).count == 2)
  }
}
