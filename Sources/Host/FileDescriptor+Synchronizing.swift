package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

extension FileDescriptor {
    /// Waits until everything written to the open file or directory is on the medium (fsync(2)). Its error counts: it is
    /// the only place where a failed deferred write shows.
    package func synchronize() throws(Errno) { _ = try InterruptedCall.repeat { fsync(rawValue) } }
}
