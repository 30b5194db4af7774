import Foundation
import Synchronization

/// Work on a thread, besides the pool's few: started at once, however many tests wait for their turn, and waited for
/// without a deadlock.
package final class Background<Value: Sendable>: Sendable {
    private let outcome = Mutex<Result<Value, any Error>?>(nil)
    private let done = DispatchSemaphore(value: 0)

    package init(_ work: @escaping @Sendable () throws -> Value) {
        Thread { [self] in
            let result = Result(catching: work)
            outcome.withLock { $0 = result }
            done.signal()
        }.start()
    }

    /// Waits for what the work returns or throws.
    package func value() throws -> Value {
        done.wait()
        // For whoever asks again.
        done.signal()
        guard let outcome = outcome.withLock({ $0 }) else { preconditionFailure("signalled without an outcome") }
        return try outcome.get()
    }
}
