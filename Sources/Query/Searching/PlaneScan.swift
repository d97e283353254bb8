import FilipLateInteraction
import FilipStore
import Synchronization

/// An image that may be among the k best, judged by its codes.
struct Candidate: Sendable {
  var id: ItemID
  /// Its score is at most this.
  var upper: Double
}

/// One pass over the scan plane, or over the part of it that a screen has chosen, shared by several
/// threads.
///
/// Each thread claims segments until none is left. Of an image the high nibbles are read; only when
/// they leave it possible that it is among the k best so far, the low nibbles too.
final class PlaneScan: Sendable {
  /// What one thread found.
  struct Part: Sendable {
    /// Images that may be among the k best.
    var candidates: [Candidate] = []
    /// Images looked at.
    var scannedCount = 0
    /// Images of which all eight bits were read.
    var rescoredCount = 0
    /// Bytes of codes that were read, each once.
    var readByteCount = 0
  }

  /// With more words than this, arithmetic costs more than reading, and the high nibbles alone save
  /// nothing.
  private static let mostScreenedWords = 20
  /// Where more than this share of a segment stays possible after the high nibbles, the next ones
  /// are read whole: a pass over the high nibbles costs some 60 % of one over all eight bits.
  private static let worthwhileShare = 0.4
  /// As the floor rises, the high nibbles rule out more: after so many whole segments at most, they
  /// are tried again.
  private static let longestPause = 32

  /// Images that are read although they are ruled out, rather than read those around them apart.
  private static let widestGap = 2

  private let query: PlaneQuery
  private let tokens: TokenMatrix
  private let direction: ScoreDirection
  private let reference: ScoreReference
  private let scope: Scope
  /// The k largest lower bounds so far.
  private let floor: ScoreFloor

  init(
    _ tokens: TokenMatrix, keeping capacity: Int, parameters: SearchParameters,
    reference: ScoreReference, scope: Scope
  ) {
    query = PlaneQuery(tokens)
    self.tokens = tokens
    direction = parameters.direction
    self.reference = reference
    self.scope = scope
    floor = ScoreFloor(capacity: capacity)
  }

  /// Takes segments until none is left and shows each to all scans while it is in the cache: several
  /// queries cost one pass through memory.
  /// - Returns: what each scan found.
  static func run(
    _ scans: [PlaneScan], over segments: SegmentQueue, _ snapshot: borrowing Snapshot
  ) throws -> [Part] {
    let workers = scans.map(Worker.init)
    while let segment = segments.claim() {
      try snapshot.withSegment(segment.segment) { codes, dead in
        for worker in workers { try worker.take(segment, codes, dead: dead) }
      }
    }
    return workers.map(\.part)
  }

  /// The candidates of all threads, best bound first, without those that others have beaten since.
  func candidates(of parts: [Part]) -> [Candidate] {
    let floor = floor.value
    return parts.flatMap(\.candidates).filter { $0.upper >= floor }
      .sorted { $0.upper != $1.upper ? $0.upper > $1.upper : $0.id < $1.id }
  }

  private func check(_ segment: borrowing PlaneSegment) throws {
    guard segment.dimension != tokens.dimension, segment.imageCount > 0 else { return }
    throw QueryError(
      .modelMismatch,
      "image \(segment.id(0)) has tokens of \(segment.dimension) dimensions and the query of "
        + "\(tokens.dimension); search with the model that made the index (drop --model)")
  }

  /// The work space of one thread.
  private final class Worker {
    private let scan: PlaneScan
    private let scorer: PlaneScorer
    private var uppers: [Double] = []
    private var intervals: [ScoreInterval] = []
    private var lowers: [ScoredItem<ItemID>] = []
    /// Segments to be read whole before the high nibbles are tried again, and how many it were the
    /// last time.
    private var pause = (rest: 0, length: 1)
    private(set) var part = Part()

    init(_ scan: PlaneScan) {
      self.scan = scan
      scorer = PlaneScorer(
        query: scan.query, direction: scan.direction, reference: scan.reference)
    }

    /// Looks at the images of one segment.
    func take(
      _ segment: SegmentCandidates, _ codes: borrowing PlaneSegment, dead: [UInt32]
    ) throws {
      try scan.check(codes)
      scan(segment.runs ?? scan.scope.runs(in: codes, dead: dead), of: codes)
    }

    private func scan(_ runs: [Range<Int>], of segment: borrowing PlaneSegment) {
      let isScreened = shallScreen()
      let (scannedBefore, rescoredBefore) = (part.scannedCount, part.rescoredCount)
      for run in runs {
        part.scannedCount += run.count
        part.readByteCount += nibbleByteCount(of: run, segment)
        switch segment.bits {
        case .four: bound(run, segment)
        case .eight: isScreened ? screen(run, segment) : rescore(run, segment)
        }
      }
      guard isScreened, part.scannedCount > scannedBefore else { return }
      let share =
        Double(part.rescoredCount - rescoredBefore) / Double(part.scannedCount - scannedBefore)
      let length = share < worthwhileShare ? 0 : min(2 * max(1, pause.length), longestPause)
      pause = (length, length)
    }

    /// Whether the high nibbles of the next segment are looked at first.
    private func shallScreen() -> Bool {
      guard scan.query.wordCount <= mostScreenedWords else { return false }
      guard pause.rest > 0 else { return true }
      pause.rest -= 1
      return false
    }

    /// Reads the high nibbles, and the rest of the images that they do not rule out.
    private func screen(_ run: Range<Int>, _ segment: borrowing PlaneSegment) {
      scorer.writeUpperBounds(of: run, in: segment, into: &uppers)
      var first = run.lowerBound
      while first < run.upperBound {
        let floor = scan.floor.value
        while first < run.upperBound, uppers[first - run.lowerBound] < floor { first += 1 }
        // A call costs as much as an image or two: small gaps are read over. Few images at a time,
        // as the floor rises with them.
        var end = first
        var next = first
        while next < run.upperBound, next - end <= PlaneScan.widestGap, next - first < 64 {
          if uppers[next - run.lowerBound] >= floor { end = next + 1 }
          next += 1
        }
        if first < end { rescore(first..<end, segment) }
        first = max(end, first)
      }
    }

    /// Reads both nibbles.
    private func rescore(_ run: Range<Int>, _ segment: borrowing PlaneSegment) {
      scorer.writeEstimates(of: run, in: segment, into: &intervals)
      part.rescoredCount += run.count
      part.readByteCount += nibbleByteCount(of: run, segment)
      let floor = scan.floor.value
      lowers.removeAll(keepingCapacity: true)
      for (image, interval) in zip(run, intervals) where interval.upper >= floor {
        let id = ItemID(rawValue: segment.id(image))
        part.candidates.append(Candidate(id: id, upper: interval.upper))
        if interval.lower > floor { lowers.append(ScoredItem(id: id, score: interval.lower)) }
      }
      if !lowers.isEmpty { scan.floor.insert(lowers) }
    }

    private func nibbleByteCount(of run: Range<Int>, _ segment: borrowing PlaneSegment) -> Int {
      (segment.firstToken(run.upperBound) - segment.firstToken(run.lowerBound))
        * segment.groupCount * 4
    }

    /// Keeps every image: four bits rule out little before exact scores are known.
    private func bound(_ run: Range<Int>, _ segment: borrowing PlaneSegment) {
      scorer.writeUpperBounds(of: run, in: segment, into: &uppers)
      for (image, upper) in zip(run, uppers) {
        part.candidates.append(Candidate(id: ItemID(rawValue: segment.id(image)), upper: upper))
      }
    }
  }
}

/// Segments that several threads share out among themselves.
final class SegmentQueue: Sendable {
  private let segments: [SegmentCandidates]
  private let next = Atomic<Int>(0)

  init(_ segments: [SegmentCandidates]) { self.segments = segments }

  /// The next segment; `nil` when none is left.
  func claim() -> SegmentCandidates? {
    let position = next.add(1, ordering: .relaxed).oldValue
    return position < segments.count ? segments[position] : nil
  }
}

extension Scope {
  /// The images of a segment that are alive and in scope, as ranges without gaps.
  func runs(in segment: borrowing PlaneSegment, dead: [UInt32]) -> [Range<Int>] {
    if dead.isEmpty, isEverything { return [0..<segment.imageCount] }
    var runs: [Range<Int>] = []
    var nextDead = 0
    var start: Int?
    for image in 0..<segment.imageCount {
      let isDead = nextDead < dead.count && dead[nextDead] == image
      if isDead { nextDead += 1 }
      if !isDead, contains(ItemID(rawValue: segment.id(image))) {
        if start == nil { start = image }
      } else if let first = start {
        runs.append(first..<image)
        start = nil
      }
    }
    if let start { runs.append(start..<segment.imageCount) }
    return runs
  }
}
