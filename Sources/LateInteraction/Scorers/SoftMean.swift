#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The mean of some values, each weighing the exponential of its logit.
/// - Parameter element: the value and the logit of one place.
/// - Precondition: `count` is at least 1, logits are finite.
func softMean(count: Int, _ element: (Int) -> (value: Double, logit: Double)) -> Double {
  var largest = -Double.infinity
  for place in 0..<count { largest = max(largest, element(place).logit) }
  var (sum, total) = (0.0, 0.0)
  for place in 0..<count {
    let (value, logit) = element(place)
    // At most 1, and 1 for the largest: nothing overflows and the total is at least 1.
    let weight = exp(logit - largest)
    sum += weight * value
    total += weight
  }
  return sum / total
}

/// e to the power of `value`.
func exponential(_ value: Double) -> Double { exp(value) }
