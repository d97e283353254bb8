import FilipLinearAlgebra
import Testing

@Suite struct MatrixTests {
  private let matrix = Matrix((0..<12).map { Float($0) }, rowCount: 3, columnCount: 4)

  @Test func `a window sees the floats of its matrix`() {
    let window = matrix.rows(1..<3).columns(1..<3)
    #expect(window.elements == [5, 6, 9, 10])
    window[0, 0] = 50
    #expect(matrix[1, 1] == 50)
  }

  @Test func `products equal their definition for windows too`() {
    let a = matrix.rows(0..<2).columns(1..<4)  // 1 2 3 / 5 6 7
    let b = Matrix([1, 0, 2, 0, 1, 1], rowCount: 2, columnCount: 3)
    let product = Matrix(rowCount: 2, columnCount: 2)
    multiply(a, transposed: b, into: product)
    #expect(product.elements == [7, 5, 19, 13])
    multiply(a, transposed: b, into: product, scale: 2, keep: 1)
    #expect(product.elements == [21, 15, 57, 39])
    let c = Matrix([1, 0, 2, 0, 1, 1], rowCount: 3, columnCount: 2)
    multiply(a, c, into: product)
    #expect(product.elements == [8, 3, 24, 7])
  }

  @Test func `rows are copied, added and averaged`() {
    let target = Matrix(rowCount: 3, columnCount: 4)
    target.assign(matrix)
    #expect(target.elements == matrix.elements)
    let row = Matrix([1, 2, 3, 4], rowCount: 1, columnCount: 4)
    target.assign(everyRow: row)
    target.add(toEveryRow: row)
    #expect(target.elements == [2, 4, 6, 8, 2, 4, 6, 8, 2, 4, 6, 8])
    let mean = Matrix(rowCount: 1, columnCount: 4)
    matrix.writeRowMean(into: mean)
    #expect(mean.elements == [4, 5, 6, 7])
  }

  @Test func `patches run row by row and list channel, line, column`() {
    // Two channels of 4 × 5 pixels; patches of side 2 leave the last column out.
    let planes = (0..<40).map { Float($0) }
    let rows = Matrix(rowCount: 4, columnCount: 8)
    unfoldPatches(of: planes, channelCount: 2, height: 4, width: 5, side: 2, into: rows)
    #expect(rows.rows(0..<1).elements == [0, 1, 5, 6, 20, 21, 25, 26])
    #expect(rows.rows(1..<2).elements == [2, 3, 7, 8, 22, 23, 27, 28])
    #expect(rows.rows(3..<4).elements == [12, 13, 17, 18, 32, 33, 37, 38])
  }

  @Test func `a window outside its matrix is a programmer error`() async {
    await #expect(processExitsWith: .failure) {
      _ = Matrix(rowCount: 2, columnCount: 2).rows(1..<3)
    }
  }
}
