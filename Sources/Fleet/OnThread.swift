import Foundation

/// Runs blocking work on a thread of its own: on the cooperative pool it would hold up everything else.
package func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result(catching: work)) }
        thread.stackSize = 1 << 20
        thread.start()
    }
}
