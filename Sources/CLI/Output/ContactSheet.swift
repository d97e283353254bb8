import FilipEncoders
import FilipLateInteraction
import FilipQuery
import FilipStore
import SystemPackage

/// One self-contained page with the hits' pictures, every word's best patch outlined in the word's
/// colour, a heat map per word, and FILIP's alignment of patches with words.
struct ContactSheet {
  /// Longest side of a picture in the page, in pixels.
  static let thumbnailSide = 360
  var query: String
  var results: SearchResults
  var paths: PathText
  var decoder: ImageDecoder

  /// The colours of similarities: one scale for all words and pictures of the page, so that a word that
  /// is nowhere stays dark. `nil` where there are no maps.
  private var scale: ColourScale? {
    Explanation.range(of: results.hits.compactMap(\.explanation)).map(ColourScale.init)
  }

  /// The page, as UTF-8.
  func html() -> String {
    let cards = results.hits.map(card).joined(separator: "\n")
    return """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(escaped(query)) — filip</title>
      <style>\(Self.css)</style></head><body>
      <header><h1>\(escaped(query))</h1>
      <p>\(results.hits.count) of \(countText(results.imageCount)) images, best first, exact \
      late interaction, \(durationText(results.duration)). An outline marks the patch that a word \
      matched best; rest the pointer on a word for its map over the picture.</p>\(legend)</header>
      <main>
      \(cards)
      </main></body></html>

      """
  }

  /// The scale of the maps, with the similarities at its ends.
  private var legend: String {
    guard let scale else { return "" }
    let stops = (0...16).map { ColourScale.colour(at: Double($0) / 16).css }.joined(separator: ",")
    return """
      <p class="legend">\(decimal(Double(scale.range.lowerBound), digits: 2))\
      <i style="background:linear-gradient(90deg,\(stops))"></i>\
      \(decimal(Double(scale.range.upperBound), digits: 2)) similarity</p>
      """
  }

  private func card(_ hit: SearchHit) -> String {
    let path = escaped(paths.line(hit.item.path ?? []))
    let name = escaped(
      hit.path.lastComponent.map { paths.line(FilePath(root: nil, [$0]).bytes) } ?? "")
    let words = hit.matches.map { match in
      let share = max(0, min(1, match.score))
      return """
        <li class="w\(match.term)" style="--c:\(colour(match.term))"><b>\
        \(escaped(results.terms[match.term].text))</b>\
        <span class="bar"><i style="width:\(decimal(Double(share) * 100, digits: 0))%"></i></span>\
        \(decimal(Double(match.score), digits: 2))</li>
        """
    }
    let isAligned = !hit.matches.isEmpty && hit.item.kind != .text && hit.explanation != nil
    let aligned = isAligned ? "<li class=\"wa\"><b>the word of every patch</b></li>" : ""
    let maps = isAligned ? hit.matches.map { heatMap($0, hit) } + [alignment(hit)] : []
    let boxes = hit.matches.map { box($0, hit) }
    return """
      <figure>\(words.isEmpty ? "" : "<ul>\(words.joined())\(aligned)</ul>")
      <div class="picture">\(picture(hit.item))\(maps.joined())\(boxes.joined())</div>
      <figcaption><span>\(hit.rank)</span> <strong>\(decimal(Double(hit.score), digits: 3))</strong> \
      <span title="\(path)">\(name)</span></figcaption></figure>
      """
  }

  /// The picture inside the page, or a note when its file is gone.
  private func picture(_ item: ItemRecord) -> String {
    if let document = TextDocument(item) {
      let title = document.title.map { "<b>\(escaped($0))</b> " } ?? ""
      return "<blockquote>\(title)\(escaped(String(document.text.prefix(1_000))))</blockquote>"
    }
    guard let path = item.path,
      let bytes = try? FilePath(bytes: path).read(),
      let image = try? decoder.decode(bytes)
    else { return "<div class=\"gone\">the file cannot be read any more</div>" }
    let small = image.reduced(toFit: Self.thumbnailSide)
    guard let jpeg = try? small.jpegData(quality: 85) else {
      return "<div class=\"gone\">the picture cannot be shown</div>"
    }
    return """
      <img src="data:image/jpeg;base64,\(base64(jpeg))" width="\(small.width)" \
      height="\(small.height)" alt="\(escaped(paths.line(path)))">
      """
  }

  /// The outline of a word's best patch; where several words share a patch, one inside the other.
  private func box(_ match: TermMatch, _ hit: SearchHit) -> String {
    guard hit.item.kind != .text else { return "" }
    let outer = hit.matches.prefix { $0.term != match.term }.filter { $0.patch == match.patch }
    return "<div class=\"box b\(match.term)\" style=\"\(place(match.region, hit.item));"
      + "--c:\(colour(match.term));--n:\(outer.count)\"></div>"
  }

  /// Heat maps of one word: a picture of a pixel a patch for each tile, stretched over what the tile
  /// covers.
  private func heatMap(_ match: TermMatch, _ hit: SearchHit) -> String {
    guard let explanation = hit.explanation, let scale else { return "" }
    return layer(
      "m\(match.term)", explanation.heatTiles(of: explanation.parts[match.term], scale: scale),
      hit.item)
  }

  /// The word of every patch, in the words' colours.
  private func alignment(_ hit: SearchHit) -> String {
    guard let explanation = hit.explanation, let scale else { return "" }
    return layer("ma", explanation.alignmentTiles(scale: scale), hit.item)
  }

  private func layer(_ name: String, _ tiles: [DecodedImage], _ item: ItemRecord) -> String {
    let images = zip(item.tiles, tiles).map { tile, image in
      "<img src=\"data:image/png;base64,\((try? image.pngData()).map(base64) ?? "")\" alt=\"\" "
        + "style=\"\(place(tile.region, item))\">"
    }
    return "<div class=\"map \(name)\">\(images.joined())</div>"
  }

  private func place(_ region: PixelRegion, _ item: ItemRecord) -> String {
    func percent(_ value: Double, of whole: Int) -> String {
      decimal(100 * value / Double(max(whole, 1)), digits: 2) + "%"
    }
    return
      "left:\(percent(region.x, of: Int(item.width)));top:\(percent(region.y, of: Int(item.height)));"
      + "width:\(percent(region.width, of: Int(item.width)));height:\(percent(region.height, of: Int(item.height)))"
  }

  private func colour(_ term: Int) -> String { RGB.ofPart(term).css }

  private func escaped(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }

  private static var css: String {
    let hovers = ((0..<64).map { "\($0)" } + ["a"]).map {
      "figure:has(.w\($0):hover) .m\($0){display:block}figure:has(.w\($0):hover) .box:not(.b\($0)){display:none}"
    }
    return """
      :root{color-scheme:light dark}
      body{margin:0;padding:1.5rem;font:15px/1.45 system-ui,sans-serif;background:light-dark(#f6f6f4,#17181a);\
      color:light-dark(#1c1c1c,#e8e8e6)}
      h1{margin:0;font-size:1.6rem}header p{margin:.2rem 0 1.4rem;max-width:60rem;opacity:.75}
      main{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1.1rem;align-items:start}
      figure{margin:0;padding:.7rem;border-radius:.6rem;background:light-dark(#fff,#232528);\
      box-shadow:0 1px 3px #0003}
      ul{list-style:none;margin:0 0 .5rem;padding:0}
      li{display:grid;grid-template-columns:minmax(4rem,auto) 1fr 2.6rem;gap:.5rem;align-items:center;\
      font-variant-numeric:tabular-nums;cursor:default}
      li b{border-left:.35rem solid var(--c);padding-left:.4rem;font-weight:600}
      .bar{height:.35rem;border-radius:.2rem;background:#8884}.bar i{display:block;height:100%;\
      border-radius:.2rem;background:var(--c)}
      .legend{display:flex;gap:.5rem;align-items:center;margin-top:-.9rem;opacity:1;font-variant-numeric:tabular-nums}
      .legend i{width:12rem;height:.8rem;border-radius:.2rem}
      li.wa{display:block;opacity:.75}li.wa b{border-color:#8888;font-weight:400}
      .picture{position:relative;line-height:0;overflow:hidden}.picture>img{width:100%;height:auto;\
      border-radius:.3rem}
      .gone{line-height:1.4;padding:3rem 1rem;text-align:center;background:#8883}
      .box,.map img{position:absolute;box-sizing:border-box}
      .box{border:2.5px solid var(--c);border-radius:3px;outline:1px solid #0009;\
      scale:calc(1 - var(--n)*.24)}
      .map{display:none;position:absolute;inset:0;backdrop-filter:grayscale(1) brightness(.6)}\
      .map img{image-rendering:pixelated;opacity:.68}
      figcaption{margin-top:.5rem;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
      figcaption span:first-child{opacity:.6}
      \(hovers.joined())
      """
  }
}
