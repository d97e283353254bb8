package import FilipLateInteraction

/// Documents (images, or texts), queries, and which documents each query is true of.
package struct LabelledSet: Sendable {
  /// One query.
  package struct Query: Sendable {
    /// Its name in runs: without white space.
    package var id: String
    /// What is asked.
    package var text: String
    /// The grade of each judged document, by its place in `documents`; 1 or more where it is
    /// relevant.
    package var grades: [Int: Int]
    /// Where the query's object lies in a document, in fractions of the picture's sides.
    package var boxes: [Int: [PixelRegion]] = [:]

    /// A query that is true of the documents at `places`.
    package init(id: String, text: String, grades: [Int: Int]) {
      self.id = id
      self.text = text
      self.grades = grades
    }

    /// The longest side of the largest of its objects, where boxes are known: a fraction of the
    /// picture's side.
    package var objectSize: Double? {
      boxes.values.joined().map { max($0.width, $0.height) }.max()
    }
  }

  /// Names of the documents; files by their name or the last parts of their path.
  package var documents: [String]
  package var queries: [Query]
  /// Whether items of the index that the set does not name are ranked too.
  package var includesOthers = false

  package init(documents: [String] = [], queries: [Query] = []) {
    self.documents = documents
    self.queries = queries
  }
}

/// Collects a set document by document and text by text; equal names and equal texts are one.
struct LabelledSetBuilder {
  private(set) var set = LabelledSet()
  private var places: [String: Int] = [:]
  private var queryPlaces: [String: Int] = [:]

  /// The place of a document, which is added if it is new.
  mutating func document(_ name: String) -> Int {
    if let place = places[name] { return place }
    places[name] = set.documents.count
    set.documents.append(name)
    return set.documents.count - 1
  }

  /// The place of a query with such a key, which is added with an id and a text if it is new.
  mutating func query(_ key: String, id: String? = nil, text: String) -> Int {
    if let place = queryPlaces[key] { return place }
    let place = set.queries.count
    queryPlaces[key] = place
    set.queries.append(LabelledSet.Query(id: id ?? "q\(place + 1)", text: text, grades: [:]))
    return place
  }

  /// The place of a query that was added under a key.
  func query(named key: String) -> Int? { queryPlaces[key] }

  mutating func judge(_ query: Int, _ document: Int, grade: Int = 1) {
    set.queries[query].grades[document] = grade
  }

  mutating func addBoxes(_ boxes: [PixelRegion], _ query: Int, _ document: Int) {
    set.queries[query].boxes[document, default: []] += boxes
  }
}
