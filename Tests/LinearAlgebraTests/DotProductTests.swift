import FilipLinearAlgebra
import TestSupport
import Testing

extension KernelTests {
  @Suite struct DotProductTests {
    @Test func `exact dot products have the same bits with every instruction set`() {
      var generator = SeededGenerator(seed: 5)
      for dimension in [1, 7, 8, 9, 64, 257] {
        for (wordCount, patchCount) in [(1, 1), (3, 5), (8, 17)] {
          let words = generator.floats(wordCount * dimension)
          let patches = generator.floats(patchCount * dimension)
          var reference: [UInt64]?
          KernelTests.withEachInstructionSet { set in
            let products = dotProducts(
              words: words, wordCount: wordCount, patches: patches, patchCount: patchCount,
              dimension: dimension)
            for word in 0..<wordCount {
              for patch in 0..<patchCount {
                let expected = (0..<dimension).reduce(0.0) {
                  $0 + Double(words[word * dimension + $1])
                    * Double(patches[patch * dimension + $1])
                }
                let product = products[word * patchCount + patch]
                #expect(abs(product - expected) < 1e-13, "\(set), word \(word), patch \(patch)")
              }
            }
            let bits = products.map(\.bitPattern)
            #expect(bits == reference ?? bits, "\(set), \(dimension) dimensions")
            reference = reference ?? bits
          }
        }
      }
    }
  }
}
