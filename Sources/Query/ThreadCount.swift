#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// One thread per processor core that this process may run on.
public let defaultThreadCount: Int = {
  let online = sysconf(Int32(_SC_NPROCESSORS_ONLN))
  return max(1, online)
}()
