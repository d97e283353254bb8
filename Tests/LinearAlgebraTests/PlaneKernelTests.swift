import FilipLinearAlgebra
import TestSupport
import Testing

extension KernelTests {
  /// Every instruction set against the definition, to the bit.
  @Suite struct PlaneKernelTests {
    private func expectDefinition(_ planeCase: PlaneCase) {
      let maxima = planeCase.expectedMaxima()
      let sums = planeCase.expectedSums()
      KernelTests.withEachInstructionSet { set in
        #expect(planeCase.maxima() == maxima, "maxima, \(set), \(planeCase)")
        #expect(planeCase.sums() == sums, "sums, \(set), \(planeCase)")
      }
    }

    @Test(arguments: [4, 8])
    func `scans equal their definition for every dimension`(bits: Int) {
      for dimension in 1...130 {
        expectDefinition(
          PlaneCase(
            dimension: dimension, wordCount: 1 + dimension % 5, bits: bits,
            imageSizes: [3, 0, 17, 30]))
      }
      for dimension in [256, 768, 1000] {
        expectDefinition(PlaneCase(dimension: dimension, wordCount: 3, bits: bits))
      }
    }

    @Test(arguments: [4, 8])
    func `scans equal their definition for every number of words`(bits: Int) {
      for wordCount in 1...35 {
        expectDefinition(PlaneCase(dimension: 12, wordCount: wordCount, bits: bits))
      }
      expectDefinition(PlaneCase(dimension: 3, wordCount: 201, bits: bits))
    }

    @Test(arguments: PlaneCase.Pattern.allCases, [4, 8])
    func `the largest codes neither saturate nor overflow`(pattern: PlaneCase.Pattern, bits: Int) {
      for dimension in [64, 1000] {
        for wordCount in [1, 9] {
          expectDefinition(
            PlaneCase(
              dimension: dimension, wordCount: wordCount, bits: bits, pattern: pattern,
              imageSizes: [3, 0, 17, 30]))
        }
      }
    }

    @Test func `an image may begin anywhere in a block`() {
      for firstToken in 0..<33 {
        expectDefinition(
          PlaneCase(
            dimension: 9, wordCount: 5, bits: 8, firstToken: firstToken,
            imageSizes: [1, 2, 15, 0, 16]))
      }
    }

    @Test func `codes may lie at any address`() {
      let planeCase = PlaneCase(dimension: 40, wordCount: 7, bits: 8, imageSizes: [20, 30])
      let expected = planeCase.expectedMaxima()
      KernelTests.withEachInstructionSet { set in
        for shift in [1, 16, 33] { #expect(planeCase.maxima(shift: shift) == expected, "\(set)") }
      }
    }

    @Test func `part of the images fills part of the result`() {
      let planeCase = PlaneCase(dimension: 20, wordCount: 6, bits: 4)
      let expected = planeCase.expectedMaxima()
      let expectedSums = planeCase.expectedSums()
      KernelTests.withEachInstructionSet { set in
        planeCase.withPlane { plane in
          for image in 0..<planeCase.bounds.count - 1 {
            let bounds = planeCase.bounds.span.extracting(image..<image + 2)
            var maxima = [Float](repeating: 7, count: 10)
            maximumPerImage(plane, planeCase.query, bounds: bounds, into: &maxima, at: 3)
            #expect(Array(maxima[..<3]) == [7, 7, 7] && maxima[9] == 7, "\(set)")
            #expect(
              maxima[3..<9].map(\.bitPattern) == Array(expected[image * 6..<image * 6 + 6]),
              "\(set), image \(image)")
            var sums: [Float] = [7, 7, 7]
            sumOfMaximaPerImage(
              plane, planeCase.query, weights: planeCase.weights, bounds: bounds, into: &sums,
              at: 1)
            #expect(sums[0] == 7 && sums[2] == 7, "\(set)")
            #expect(sums[1].bitPattern == expectedSums[image], "\(set), image \(image)")
          }
        }
      }
    }

    @Test func `no images give no result`() {
      let planeCase = PlaneCase(dimension: 8, wordCount: 2, bits: 8, imageSizes: [])
      KernelTests.withEachInstructionSet { set in
        #expect(planeCase.maxima().isEmpty && planeCase.sums().isEmpty, "\(set)")
      }
    }

    @Test func `wrong shapes are programmer errors`() async {
      await #expect(processExitsWith: .failure) {
        var maxima = [Float](repeating: 0, count: 1)
        let planeCase = PlaneCase(dimension: 8, wordCount: 2, bits: 8, imageSizes: [4])
        planeCase.withPlane { plane in
          maximumPerImage(plane, planeCase.query, bounds: planeCase.bounds.span, into: &maxima)
        }
      }
      await #expect(processExitsWith: .failure) {
        var maxima = [Float](repeating: 0, count: 2)
        let planeCase = PlaneCase(dimension: 8, wordCount: 2, bits: 8, imageSizes: [4])
        let outside: [UInt32] = [5, 10]
        planeCase.withPlane { plane in
          maximumPerImage(plane, planeCase.query, bounds: outside.span, into: &maxima)
        }
      }
      await #expect(processExitsWith: .failure) {
        var maxima = [Float](repeating: 0, count: 2)
        let planeCase = PlaneCase(dimension: 8, wordCount: 2, bits: 8, imageSizes: [4])
        let falling: [UInt32] = [7, 6]
        planeCase.withPlane { plane in
          maximumPerImage(plane, planeCase.query, bounds: falling.span, into: &maxima)
        }
      }
    }

    @Test func `the Hadamard transform equals its definition and all copies agree to the bit`() {
      var generator = SeededGenerator(seed: 3)
      for exponent in 0...10 {
        let count = 1 << exponent
        // Whole numbers, whose sums are exact in any order; then arbitrary ones.
        let whole = (0..<count).map { _ in Double(Int.random(in: -1000...1000, using: &generator)) }
        let expected = (0..<count).map { row in
          (0..<count).reduce(0) { $0 + ((row & $1).nonzeroBitCount % 2 == 0 ? 1 : -1) * whole[$1] }
        }
        let arbitrary = (0..<count).map { _ in Double.random(in: -1...1, using: &generator) }
        var reference: [UInt64]?
        KernelTests.withEachInstructionSet { set in
          var values = [7] + whole + [7]
          values.withUnsafeMutableBufferPointer {
            hadamard(UnsafeMutableBufferPointer(rebasing: $0[1..<count + 1]))
          }
          #expect(values == [7] + expected + [7], "\(set), \(count)")
          var others = arbitrary
          others.withUnsafeMutableBufferPointer {
            hadamard(UnsafeMutableBufferPointer(rebasing: $0[0..<count]))
          }
          let bits = others.map(\.bitPattern)
          #expect(bits == reference ?? bits, "\(set), \(count)")
          reference = reference ?? bits
        }
      }
    }
  }
}
