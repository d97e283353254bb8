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
/// they leave it possible that it will be among the k best, the low nibbles too. Where that depends
/// on how high the floor will be at the end, the image is put off: few of those are ever read.
final class PlaneScan: Sendable {
  /// What one thread found.
  struct Part: Sendable {
    /// Images that may be among the k best.
    var candidates: [Candidate] = []
    /// Images looked at.
    var scannedCount = 0
    /// Images of which all eight bits were read.
    var rescoredCount = 0
    /// Bytes of codes that were read.
    var readByteCount = 0
    /// Products of a code and a word's code that were made.
    var productCount = 0
    /// Images that the floor did not rule out, and where it was expected to end did.
    fileprivate var postponed: [Postponed] = []
  }

  /// An image of which only the high nibbles were read.
  fileprivate struct Postponed {
    var segment: UInt64
    var image: Int
    var upper: Double
  }

  /// With more words than this, arithmetic costs more than reading, and the high nibbles alone save
  /// nothing.
  private static let mostScreenedWords = 20
  /// Where more than this share of a segment stays possible after the high nibbles, the next ones
  /// are read whole: a pass over the high nibbles costs some 60 % of one over all eight bits.
  private static let worthwhileShare = 0.5
  /// As the floor rises, the high nibbles rule out more: after so many whole segments at most, they
  /// are tried again.
  private static let longestPause = 32

  /// Images that are read although they are ruled out, rather than read those around them apart.
  private static let widestGap = 1

  private let query: PlaneQuery
  private let tokens: TokenMatrix
  private let direction: ScoreDirection
  private let reference: ScoreReference
  private let scope: Scope
  /// The k largest lower bounds so far.
  private let floor: ScoreFloor

  init(
    _ tokens: TokenMatrix, keeping capacity: Int, direction: ScoreDirection,
    reference: ScoreReference, scope: Scope
  ) {
    query = PlaneQuery(tokens)
    self.tokens = tokens
    self.direction = direction
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
    let workers = scans.map { Worker($0) }
    while let (segment, share) = segments.claim() {
      try snapshot.withSegment(segment.segment) { codes, dead in
        for worker in workers { try worker.take(segment, codes, dead: dead, after: share) }
      }
    }
    return workers.map(\.part)
  }

  /// Takes segments with images that were put off until none is left, and reads both nibbles.
  func finish(_ segments: SegmentQueue, _ snapshot: borrowing Snapshot) throws -> Part {
    let worker = Worker(self)
    while let (segment, _) = segments.claim() {
      try snapshot.withSegment(segment.segment) { codes, _ in worker.finish(segment, codes) }
    }
    return worker.part
  }

  /// The images that were put off and that the floor has not ruled out since.
  func postponed(of parts: [Part]) -> [SegmentCandidates] {
    let floor = floor.value
    let images = parts.flatMap(\.postponed).filter { $0.upper >= floor }
      .sorted { ($0.segment, $0.image) < ($1.segment, $1.image) }
    var segments: [SegmentCandidates] = []
    for image in images {
      if segments.last?.segment != image.segment {
        segments.append(SegmentCandidates(segment: image.segment, runs: []))
      }
      segments[segments.count - 1].runs?.appendImage(image.image)
    }
    return segments
  }

  /// Images that are not among the candidates score less than this.
  var limit: Double { floor.value }

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
    /// last time. The first segment says where the floor may be.
    private var pause = (rest: 1, length: 1)
    private(set) var part = Part()

    init(_ scan: PlaneScan) {
      self.scan = scan
      scorer = PlaneScorer(
        query: scan.query, direction: scan.direction, reference: scan.reference)
    }

    /// Looks at the images of one segment after a share of all segments.
    func take(
      _ segment: SegmentCandidates, _ codes: borrowing PlaneSegment, dead: [UInt32],
      after share: Double
    ) throws {
      try scan.check(codes)
      let isScreened = shallScreen()
      let (scannedBefore, rescoredBefore) = (part.scannedCount, part.rescoredCount)
      for run in segment.runs ?? scan.scope.runs(in: codes, dead: dead) {
        part.scannedCount += run.count
        part.readByteCount += nibbleByteCount(of: run, codes)
        switch codes.bits {
        case .four: bound(run, codes)
        case .eight:
          isScreened ? screen(run, of: segment.segment, codes, after: share) : rescore(run, codes)
        }
      }
      guard isScreened, part.scannedCount > scannedBefore else { return }
      let share =
        Double(part.rescoredCount - rescoredBefore) / Double(part.scannedCount - scannedBefore)
      let length = share < worthwhileShare ? 0 : min(2 * max(1, pause.length), longestPause)
      pause = (length, length)
    }

    /// Reads both nibbles of images that were put off.
    func finish(_ segment: SegmentCandidates, _ codes: borrowing PlaneSegment) {
      for run in segment.runs ?? [] {
        part.readByteCount += nibbleByteCount(of: run, codes)
        rescore(run, codes)
      }
    }

    /// Whether the high nibbles of the next segment are looked at first.
    private func shallScreen() -> Bool {
      guard scan.query.wordCount <= mostScreenedWords else { return false }
      guard pause.rest > 0 else { return true }
      pause.rest -= 1
      return false
    }

    /// Reads the high nibbles, and the rest of the images that they leave likely.
    private func screen(
      _ run: Range<Int>, of number: UInt64, _ segment: borrowing PlaneSegment, after share: Double
    ) {
      scorer.writeUpperBounds(of: run, in: segment, into: &uppers)
      part.productCount += productCount(of: run, segment)
      var first = run.lowerBound
      while first < run.upperBound {
        let floor = scan.floor.expected(after: share)
        let certain = scan.floor.value
        while first < run.upperBound, uppers[first - run.lowerBound] < floor {
          let upper = uppers[first - run.lowerBound]
          if upper >= certain {
            part.postponed.append(Postponed(segment: number, image: first, upper: upper))
          }
          first += 1
        }
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
      part.productCount += productCount(of: run, segment)
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

    private func productCount(of run: Range<Int>, _ segment: borrowing PlaneSegment) -> Int {
      // A byte of nibbles is two dimensions.
      2 * nibbleByteCount(of: run, segment) * scan.query.wordCount
    }

    private func nibbleByteCount(of run: Range<Int>, _ segment: borrowing PlaneSegment) -> Int {
      (segment.firstToken(run.upperBound) - segment.firstToken(run.lowerBound))
        * segment.groupCount * 4
    }

    /// Keeps every image: four bits rule out little before exact scores are known.
    private func bound(_ run: Range<Int>, _ segment: borrowing PlaneSegment) {
      scorer.writeUpperBounds(of: run, in: segment, into: &uppers)
      part.productCount += productCount(of: run, segment)
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

  /// The next segment, and the share of all that was claimed before; `nil` when none is left.
  func claim() -> (SegmentCandidates, share: Double)? {
    let position = next.add(1, ordering: .relaxed).oldValue
    guard position < segments.count else { return nil }
    return (segments[position], Double(position) / Double(segments.count))
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

extension [Range<Int>] {
  /// Adds an image behind all others.
  fileprivate mutating func appendImage(_ image: Int) {
    if let last, last.upperBound == image {
      self[count - 1] = last.lowerBound..<image + 1
    } else {
      append(image..<image + 1)
    }
  }
}
