/// Runs blocking work on a new thread and waits for it without blocking a thread of the cooperative pool.
///
/// - Throws: What `work` throws, or that no thread could be started.
package func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        do {
            try startThread { continuation.resume(with: Result(catching: work)) }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}
