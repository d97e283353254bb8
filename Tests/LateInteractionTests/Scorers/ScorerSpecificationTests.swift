import FilipLateInteraction
import Testing

@Suite struct ScorerSpecificationTests {
  @Test(arguments: ScorerSpecification.names)
  func `every scorer is found by the name that it bears, and the help names it`(name: String) throws
  {
    #expect(try ScorerSpecification(parsing: name).scorer.name == name)
    #expect(ScorerSpecification.help.contains(name))
  }

  @Test func `parameters reach the scorer`() throws {
    let filip = try ScorerSpecification(parsing: "filip:padding=zero,direction=mean").scorer
    #expect((filip as? FILIPScorer)?.direction == .mean)
    #expect((filip as? FILIPScorer)?.padding == .zero)
    let hybrid = try ScorerSpecification(parsing: "hybrid:weight=0.25").scorer
    #expect((hybrid as? HybridScorer)?.weight == 0.25)
    #expect(try ScorerSpecification(parsing: "hybrid:weight=fit").fitsWeight)
    let transport = try ScorerSpecification(parsing: "ot:method=sinkhorn,epsilon=0.1").scorer
    #expect((transport as? OptimalTransportScorer)?.method == .sinkhorn(entropy: 0.1))
    #expect((transport as? OptimalTransportScorer)?.iterationCount == 100)
    #expect(try ScorerSpecification(parsing: "bagformer").bags == .phrases)
    let bags = try ScorerSpecification(parsing: "bagformer:bags=a=b.txt,side=i2t")
    #expect(bags.bags == .dictionary("a=b.txt"))
    #expect((bags.scorer as? BagFormerScorer)?.side == .imageToText)
  }

  @Test func `a list is cut between scorers, not between parameters`() throws {
    let list = try ScorerSpecification.list(
      parsing: "filip,ot:method=sinkhorn,epsilon=0.1,top-r:r=2,global")
    #expect(
      list.map(\.description) == ["filip", "ot:method=sinkhorn,epsilon=0.1", "top-r:r=2", "global"])
  }

  @Test(arguments: [
    ("colbret", "there is no scorer colbret; give one of filip, colbert,"),
    ("", "there is no scorer ; give one of"),
    ("soft:temperature=0", "soft: temperature=0: give a number from 0.001 to 10.0"),
    ("hybrid:weight=nan", "hybrid: weight=nan: give a number from 0.0 to 1.0"),
    ("top-r:r=2.5", "top-r: r=2.5: give a whole number from 1 to 10000"),
    ("filip:direction=up", "filip: direction=up: give one of t2i, i2t, mean"),
    ("soft:r=3", "soft has no parameter r; it has temperature"),
    ("colbert:r=3", "colbert has no parameter r"),
    ("top-r:r=1,r=2", "top-r: r is given twice"),
    ("top-r:", "top-r: “” is no parameter; write name=value"),
    ("top-r:r", "top-r: “r” is no parameter; write name=value"),
  ])
  func `what is wrong is named with the way out`(text: String, message: String) {
    do {
      _ = try ScorerSpecification(parsing: text)
      Issue.record("no error for \(text)")
    } catch {
      #expect(error.description.hasPrefix(message), "\(error)")
    }
  }
}
