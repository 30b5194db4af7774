import Diagnostics
import Host
import Storage

/// A few buffers between a thread that fills them and one that empties them, in order.
///
/// `@unchecked Sendable`: only one thread at a time uses a slot's memory, and the memory never moves. The filling
/// thread has the slot from `takeFree` to `submit`, the emptying thread from `nextFilled` to `release`. Between these,
/// the slot is in one of the monitor's two lists, and the monitor's mutex makes what one thread wrote visible to the
/// other.
final class SlotRing: @unchecked Sendable {
    /// In bytes.
    static let slotSize = 1 << 20

    struct Filled: Sendable {
        let slot: Int
        let count: Int
        /// Where its first byte belongs in the file.
        let offset: Int64
    }

    private struct State {
        var free: [Int]
        var filled: [Filled] = []
        var isClosed = false
        var failure: Failure?
    }

    private let memory: AlignedBuffer
    private let state: Monitor<State>

    init(slots: Int) {
        memory = AlignedBuffer(count: slots * Self.slotSize)
        state = Monitor(State(free: Array(0..<slots)))
    }

    /// The memory of a slot, for the thread that has the slot.
    func bytes(_ slot: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: memory.bytes[(slot * Self.slotSize)..<((slot + 1) * Self.slotSize)])
    }

    /// Waits for a free slot. Throws the failure of the emptying thread, if it has failed.
    func takeFree() throws(Failure) -> Int {
        let taken: Result<Int, Failure> = state.wait { state in
            if let failure = state.failure { return .failure(failure) }
            return state.free.popLast().map { .success($0) }
        }
        return try taken.get()
    }

    func submit(_ filled: Filled) { state.update { $0.filled.append(filled) } }

    /// Says that no more slots are submitted.
    func close() { state.update { $0.isClosed = true } }

    /// Waits for the next filled slot; nil after the last one.
    func nextFilled() -> Filled? {
        state.wait { state -> Filled?? in
            if !state.filled.isEmpty { return state.filled.removeFirst() }
            return state.isClosed ? .some(nil) : nil
        }
    }

    func release(_ slot: Int) { state.update { $0.free.append(slot) } }

    /// Says that the emptying thread has failed.
    func fail(_ failure: Failure) { state.update { $0.failure = failure } }
}
