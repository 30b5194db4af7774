#if canImport(Glibc)
    import Glibc
#endif

/// A value that threads share, change and wait for: a mutex with a condition variable (pthread_cond_wait(3)).
///
/// `@unchecked Sendable`: `state` is used only by `update` and `wait`, which hold the mutex; what they return is
/// Sendable itself. The mutex and the condition variable are on the heap and keep their addresses, as POSIX requires.
package final class Monitor<State: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state: State

    package init(_ state: State) {
        self.state = state
        // These do not fail with such attributes on Linux (pthread_mutex_init(3), pthread_cond_init(3)).
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        // A clock that nobody can set, for `wait(milliseconds:)`.
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Reads or changes the value, and wakes every thread that waits for it.
    @discardableResult package func update<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(changed)
            pthread_mutex_unlock(mutex)
        }
        return body(&state)
    }

    /// Waits until `body` returns a value. `body` may change the state when it does.
    ///
    /// - Parameter waking: Whether that change wakes the threads that wait: false if none of them waits for it. Each
    ///   needless wake-up costs a turn of the scheduler, which a pipeline on few processors feels.
    package func wait<Result: Sendable>(waking: Bool = true, _ body: (inout State) -> Result?) -> Result {
        while true {
            if let result = wait(until: nil, waking: waking, body) { return result }
        }
    }

    /// The same for at most `milliseconds`; then nil.
    package func wait<Result: Sendable>(milliseconds: Int, _ body: (inout State) -> Result?) -> Result? {
        var end = timespec()
        clock_gettime(CLOCK_MONOTONIC, &end)
        end.tv_nsec += milliseconds % 1000 * 1_000_000
        end.tv_sec += milliseconds / 1000 + end.tv_nsec / 1_000_000_000
        end.tv_nsec %= 1_000_000_000
        return wait(until: end, waking: true, body)
    }

    /// Waits until `end` of the monotonic clock; nil then. Without `end` it returns a value.
    private func wait<Result: Sendable>(
        until end: timespec?, waking: Bool, _ body: (inout State) -> Result?
    ) -> Result? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) {
                if waking { pthread_cond_broadcast(changed) }
                return result
            }
            if var end {
                guard pthread_cond_timedwait(changed, mutex, &end) == 0 else { return body(&state) }
            } else {
                pthread_cond_wait(changed, mutex)
            }
        }
    }
}
