import FilipEncoders
import FilipQuery
import FilipStore
import SystemPackage

/// The upright picture that an item's tokens were made of.
/// - Throws: `QueryError` that names the file when it is gone or cannot be read.
func originalPicture(of item: ItemRecord) throws -> DecodedImage {
  let path = FilePath(bytes: item.path ?? [])
  guard item.kind == .image else {
    throw QueryError(
      .contradictoryQuery, "\(path): pictures are drawn over image files, and this is none")
  }
  do {
    return try ImageDecoder(limits: .scaledToMemory(threadCount: 1)).decode(try path.read())
  } catch let error as Errno {
    throw QueryError(
      error == .noSuchFileOrDirectory ? .notFound : .unreadable,
      "\(path): \(error); no picture can be drawn over it")
  } catch let error as ImageDecodingError {
    throw QueryError(.unreadable, "\(path): \(error)")
  }
}
