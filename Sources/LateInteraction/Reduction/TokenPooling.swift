internal import FilipLinearAlgebra

/// Merges the tokens of an image that look alike: one token for `factor` patches on average.
///
/// Hierarchical, by Ward's criterion: beginning with every token by itself, those two groups are
/// merged whose merging costs least,
///
///     cost(A, B) = |A||B| / (|A| + |B|) · ‖mean(A) − mean(B)‖²,
///
/// until ⌈n / factor⌉ groups are left (token pooling of Clavié et al., arXiv 2409.14683). A group
/// becomes the normalised mean of its members. Large quiet areas shrink to a few tokens and small
/// things keep their own, which is what averaging fixed squares of the grid destroys.
///
/// Measured on 8,000 drawn scenes × 64 tokens × 128, 100 queries, recall@10 against all tokens:
/// factor 2 0.983, factor 4 0.824. Limiting merges to neighbours on the patch grid gave less
/// (2,000 scenes: 0.962 against 0.967, and 0.798 against 0.818), as did leaving the means
/// unnormalised (0.962 and 0.732).
public struct TokenPooling: Sendable, Hashable {
  /// Patches per token on average; 1 merges nothing.
  public let factor: Int

  /// Pooling by `factor`, at least 1.
  public init(factor: Int) {
    precondition(factor >= 1, "pool factor")
    self.factor = factor
  }

  /// The merged tokens, in the order of their first patches, and which of them stands for each
  /// patch.
  ///
  /// Of merges that cost the same, the one of the earliest patches comes first.
  /// - Complexity: n²·d multiply-adds for n tokens, and n² further operations as a rule. Room for
  ///   2 n² floats.
  public func pool(_ tokens: TokenMatrix) -> PooledTokens {
    let count = tokens.tokenCount
    let target = (count + factor - 1) / factor
    guard target < count else {
      return PooledTokens(tokens: tokens, tokenOfPatch: (0..<UInt32(count)).map { $0 })
    }
    var merging = WardMerging(tokens)
    var parents = Array(0..<count)
    for _ in target..<count {
      let merge = merging.mergeNext()
      parents[merge.removed] = merge.kept
    }
    return PooledTokens(grouping: tokens, parents: parents)
  }
}

/// An image's tokens after merging.
public struct PooledTokens: Sendable, Equatable {
  /// One unit row per group.
  public let tokens: TokenMatrix
  /// For each patch, the row of the token that stands for it; every row stands for a patch.
  public let tokenOfPatch: [UInt32]

  init(tokens: TokenMatrix, tokenOfPatch: [UInt32]) {
    self.tokens = tokens
    self.tokenOfPatch = tokenOfPatch
  }

  /// The normalised means of groups. `parents[p] ≤ p` is another member of p's group, or p itself
  /// for the first of a group.
  init(grouping members: TokenMatrix, parents: [Int]) {
    let dimension = members.dimension
    var tokenOfPatch: [UInt32] = []
    var sums: [Double] = []
    for (patch, parent) in parents.enumerated() {
      if parent == patch {
        tokenOfPatch.append(UInt32(sums.count / dimension))
        sums += members[patch].lazy.map(Double.init)
      } else {
        tokenOfPatch.append(tokenOfPatch[parent])
        let start = Int(tokenOfPatch[parent]) * dimension
        for (index, value) in members[patch].enumerated() { sums[start + index] += Double(value) }
      }
    }
    tokens = TokenMatrix(normalizingFinite: sums, dimension: dimension)
    self.tokenOfPatch = tokenOfPatch
  }
}

/// Merges groups one pair at a time, the cheapest first.
///
/// Keeps the costs of all pairs, and for every group its cheapest later partner; a merge changes
/// one row of costs (by the formula of Lance and Williams) and few partners.
struct WardMerging {
  /// Two groups that became one, named by their first members.
  struct Merge: Equatable {
    /// First member of the group that grew.
    var kept: Int
    /// First member of the group that it took in; larger than `kept`.
    var removed: Int
    /// What the merge cost, at least 0.
    var cost: Float
  }

  private let count: Int
  /// Costs of pairs, (count, count), symmetric.
  private var costs: [Float]
  /// Members per group; 0 for one that was taken in.
  private var sizes: [Float]
  /// For every group, the later group that it merges with at least cost; `count` for none.
  private var partners: [Int]
  private var partnerCosts: [Float]

  /// Every token is a group by itself.
  init(_ tokens: TokenMatrix) {
    count = tokens.tokenCount
    let rows = Matrix(tokens.elements, rowCount: count, columnCount: tokens.dimension)
    let products = Matrix(rowCount: count, columnCount: count)
    multiply(rows, transposed: rows, into: products)
    costs = products.elements
    var squares: [Float] = []
    for group in 0..<count { squares.append(costs[group * count + group]) }
    for left in 0..<count {
      for right in left + 1..<max(count, left + 1) {
        // For single tokens the sizes' factor is a half.
        let square = squares[left] + squares[right] - 2 * costs[left * count + right]
        let cost = max(0, square / 2)
        costs[left * count + right] = cost
        costs[right * count + left] = cost
      }
    }
    sizes = [Float](repeating: 1, count: count)
    partners = [Int](repeating: count, count: count)
    partnerCosts = [Float](repeating: .infinity, count: count)
    for group in 0..<count { findPartner(of: group) }
  }

  /// Merges the two groups that cost least; of equals the earliest.
  /// - Precondition: there are two groups.
  mutating func mergeNext() -> Merge {
    var kept = count
    for group in 0..<count where sizes[group] > 0 && partners[group] < count {
      if kept == count || partnerCosts[group] < partnerCosts[kept] { kept = group }
    }
    precondition(kept < count, "two groups to merge")
    let merge = Merge(kept: kept, removed: partners[kept], cost: partnerCosts[kept])
    updateCosts(merge)
    for group in 0..<merge.removed where sizes[group] > 0 {
      let isAffected = partners[group] == merge.removed || partners[group] == merge.kept
      if group == merge.kept || isAffected {
        findPartner(of: group)
      } else if group < merge.kept {
        // A merged group is never nearer than its nearer half was, but for rounding and ties.
        offer(merge.kept, to: group)
      }
    }
    return merge
  }

  private mutating func updateCosts(_ merge: Merge) {
    let (kept, removed) = (merge.kept, merge.removed)
    let (keptSize, removedSize) = (sizes[kept], sizes[removed])
    for other in 0..<count where sizes[other] > 0 && other != kept && other != removed {
      let size = sizes[other]
      let sum =
        (keptSize + size) * costs[kept * count + other]
        + (removedSize + size) * costs[removed * count + other] - size * merge.cost
      let cost = max(0, sum / (keptSize + removedSize + size))
      costs[kept * count + other] = cost
      costs[other * count + kept] = cost
    }
    sizes[kept] += removedSize
    sizes[removed] = 0
  }

  private mutating func findPartner(of group: Int) {
    var (best, bestCost) = (count, Float.infinity)
    for other in group + 1..<max(count, group + 1) where sizes[other] > 0 {
      let cost = costs[group * count + other]
      if cost < bestCost { (best, bestCost) = (other, cost) }
    }
    (partners[group], partnerCosts[group]) = (best, bestCost)
  }

  private mutating func offer(_ other: Int, to group: Int) {
    let cost = costs[group * count + other]
    if cost < partnerCosts[group] || (cost == partnerCosts[group] && other < partners[group]) {
      (partners[group], partnerCosts[group]) = (other, cost)
    }
  }
}
