package import Diagnostics
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Starts a thread that runs `work` and ends with it. Nobody can wait for it: see ``WorkerThread`` for a result.
///
/// Blocking work needs a thread: the cooperative pool has one per processor, and a blocked one stops other tasks.
package func startThread(_ work: @escaping @Sendable () -> Void) throws(Failure) {
    let start = Unmanaged.passRetained(Work(work))
    var thread = pthread_t()
    let error = pthread_create(
        &thread, nil,
        { argument in
            guard let argument else { return nil }
            Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }, start.toOpaque())
    guard error == 0 else {
        start.release()
        let reason = Errno(rawValue: error)
        throw Failure(.system, "starting a thread: \(reason.description.lowercased())", cause: reason)
    }
    pthread_detach(thread)
}

/// What the new thread runs: C passes only a pointer on.
private final class Work: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
