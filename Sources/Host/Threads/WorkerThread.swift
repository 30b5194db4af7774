package import Diagnostics

/// A thread for one piece of blocking work, with its result.
package final class WorkerThread<Value: Sendable>: Sendable {
    private let outcome = Monitor<Result<Value, Failure>?>(nil)

    /// Starts `work` at once.
    package init(_ work: @escaping @Sendable () -> Result<Value, Failure>) throws(Failure) {
        let outcome = outcome
        try startThread {
            let result = work()
            outcome.update { $0 = result }
        }
    }

    /// Waits until the work is done.
    package func join() -> Result<Value, Failure> { outcome.wait { $0 } }

    /// Waits for the result; nil if `isCancelled` says so first. It is asked about twenty times a second.
    package func value(unless isCancelled: () -> Bool) throws(Failure) -> Value? {
        while !isCancelled() {
            if let result = outcome.wait(milliseconds: 50, { $0 }) { return try result.get() }
        }
        return nil
    }
}
