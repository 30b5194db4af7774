public import Diagnostics
public import Storage
import Synchronization

/// A block store in memory that can be told to fail, and keeps the order of what was written.
public final class MemoryStore: WritableBlockStore {
    private struct State {
        var bytes: [UInt8]
        var writes = 0
        var failsAtWrite: Int?
        var log: [Operation] = []
    }

    public enum Operation: Hashable, Sendable {
        case write(Range<Int64>)
        case synchronize
    }

    public let size: Int64
    public let name: String
    private let state: Mutex<State>

    public init(_ bytes: [UInt8], name: String = "memory") {
        size = Int64(bytes.count)
        self.name = name
        state = Mutex(State(bytes: bytes))
    }

    public var bytes: [UInt8] { state.withLock { $0.bytes } }
    public var log: [Operation] { state.withLock { $0.log } }
    public var writeCount: Int { state.withLock { $0.writes } }

    /// The write with this number (from 0, counted from now on) and all later ones fail.
    public func fail(atWrite number: Int?) {
        state.withLock {
            $0.writes = 0
            $0.failsAtWrite = number
        }
    }

    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: buffer.count)
        state.withLock { state in
            state.bytes.withUnsafeBytes { bytes in
                buffer.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<(Int(offset) + buffer.count)]))
            }
        }
    }

    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: bytes.count)
        let failed = state.withLock { state -> Bool in
            defer { state.writes += 1 }
            if let limit = state.failsAtWrite, state.writes >= limit { return true }
            state.bytes.withUnsafeMutableBytes { all in
                UnsafeMutableRawBufferPointer(rebasing: all[Int(offset)..<(Int(offset) + bytes.count)])
                    .copyMemory(from: bytes)
            }
            state.log.append(.write(offset..<(offset + Int64(bytes.count))))
            return false
        }
        if failed { throw Failure(.system, "\(name): injected write failure") }
    }

    public func synchronize() throws(Failure) { state.withLock { $0.log.append(.synchronize) } }
}
