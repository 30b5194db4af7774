import Diagnostics
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// A thread of its own for one piece of blocking work, which the cooperative pool is not made for.
final class WorkerThread<Value: Sendable>: Sendable {
    private let outcome = Monitor<Result<Value, Failure>?>(nil)

    /// Starts `work` at once.
    init(_ work: @escaping @Sendable () -> Result<Value, Failure>) throws(Failure) {
        let outcome = outcome
        let start = Unmanaged.passRetained(
            Start {
                let result = work()
                outcome.update { $0 = result }
            })
        var thread = pthread_t()
        let error = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, start.toOpaque())
        guard error == 0 else {
            start.release()
            throw .system("starting a thread", Errno(rawValue: error))
        }
        pthread_detach(thread)
    }

    /// Waits for its end.
    func join() -> Result<Value, Failure> { outcome.wait { $0 } }

    /// What it found out; nil when `isCancelled` before that.
    func value(unless isCancelled: () -> Bool) throws(Failure) -> Value? {
        while !isCancelled() {
            if let result = outcome.wait(milliseconds: 50, { $0 }) { return try result.get() }
        }
        return nil
    }
}

/// What a new thread is given: C hands on a pointer only.
private final class Start: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
