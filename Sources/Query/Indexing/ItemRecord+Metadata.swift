import FilipEncoders
import FilipStore

extension ItemRecord {
  /// Takes over what a file says about its picture.
  ///
  /// A date without an offset from UTC, as most cameras write it, is taken for local time of the
  /// machine that indexes.
  mutating func describe(_ metadata: ImageMetadata) {
    dateTaken = metadata.timestamp
    takenTime = dateTaken.flatMap(TimeText.nanoseconds)
    camera = metadata.camera
    lens = metadata.lens
    place = metadata.place.map {
      Place(latitude: $0.latitude, longitude: $0.longitude, altitude: $0.altitude)
    }
  }
}
