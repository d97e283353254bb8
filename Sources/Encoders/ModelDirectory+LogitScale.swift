#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif
internal import FilipLinearAlgebra

extension ModelDirectory {
  /// What the model was trained to multiply similarities with before a softmax or sigmoid: e to the
  /// power of its tensor `logit_scale`; `nil` where the checkpoint has none, or none that is of use.
  /// - Throws: `.unsupportedElementType`.
  public var logitScale: Double? {
    get throws(EncoderError) {
      let name = "logit_scale"
      guard let shape = checkpoint.shape(of: name), shape.allSatisfy({ $0 == 1 }) else {
        return nil
      }
      let scale = exp(Double(try checkpoint.tensor(name, shape: shape).matrix().elements[0]))
      return scale.isFinite && scale > 0 ? scale : nil
    }
  }
}
