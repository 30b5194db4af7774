package import Diagnostics
import Storage
import Synchronization

/// Bytes in memory as a store, which keeps the order of what was written and can be told to fail.
package final class MemoryStore: WritableBlockStore {
    package let size: Int64
    package let name: String
    private let contents: Mutex<[UInt8]>
    private let order = Mutex<[Range<Int64>?]>([])
    private let failure = Mutex<(writes: Int, failsAt: Int?)>((0, nil))

    package init(_ bytes: [UInt8], name: String = "memory") {
        size = Int64(bytes.count)
        self.name = name
        contents = Mutex(bytes)
    }

    package var allBytes: [UInt8] { contents.withLock { $0 } }

    /// The ranges written, in order; nil stands for a synchronize.
    package var log: [Range<Int64>?] { order.withLock { $0 } }

    /// The write with this number (from 0, counted from now on) and all later ones fail.
    package func fail(atWrite number: Int?) { failure.withLock { $0 = (0, number) } }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: buffer.count)
        contents.withLock { bytes in
            bytes.withUnsafeBytes { all in
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[Int(offset)..<Int(offset) + buffer.count]))
            }
        }
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: bytes.count)
        let fails = failure.withLock { state in
            defer { state.writes += 1 }
            return state.failsAt.map { state.writes >= $0 } ?? false
        }
        if fails { throw Failure(.system, "\(name): injected write failure") }
        order.withLock { $0.append(offset..<(offset + Int64(bytes.count))) }
        contents.withLock { all in
            all.withUnsafeMutableBytes { all in
                UnsafeMutableRawBufferPointer(rebasing: all[Int(offset)..<Int(offset) + bytes.count])
                    .copyMemory(from: bytes)
            }
        }
    }

    package func synchronize() throws(Failure) { order.withLock { $0.append(nil) } }
}
