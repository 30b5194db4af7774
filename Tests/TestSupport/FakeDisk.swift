import Host
package import Cards
package import Diagnostics
import Storage
import Synchronization
package import SystemPackage

/// A disk in memory, stricter than any real one.
///
/// It refuses what is not complete, aligned sectors. What is written is pending until ``synchronize()``; a read that could
/// be answered from a cache (written since the last flush and drop) is recorded as a violation. It can fail, vanish,
/// lose power, drop writes, flip bits and lie about its size.
package final class FakeDisk: CardTarget {
    package enum Operation: Hashable, Sendable {
        case read(Range<Int64>)
        case write(Range<Int64>)
        case zero(Range<Int64>)
        case synchronize, dropCache, finalize, abandon
    }

    package enum Fault: Sendable {
        /// The operation with this number (from 0) fails, once.
        case fails(at: Int, Errno)
        /// Of the write with this number only the first half arrives, then it fails.
        case tears(at: Int)
        /// From this operation on nothing works; of what is pending, any sectors may have reached the medium.
        case vanishes(at: Int)
        /// From this write (by its number among the operations) on, writes are taken and dropped.
        case dropsWrites(from: Int)
        /// The bit is wrong on the medium, whatever is written.
        case flips(byte: Int64)
        /// Zeroing by command is answered with success, and does nothing.
        case ignoresZeroing
        /// A counterfeit: beyond this many bytes, it writes over its beginning.
        case wraps(at: Int64)
    }

    private struct State {
        var medium: [UInt8]
        var pending: [(offset: Int, bytes: [UInt8])] = []
        var epochs: [Epoch] = []
        var cached = false
        var log: [Operation] = []
        var violations: [String] = []
        var gone = false
        var finalized = false
        var abandoned = false
        var random: SplitMix64
    }

    package let size: Int64
    package let name = "/dev/fake"
    package let isBlank: Bool
    package let queue: DeviceQueue?
    package static let sector = 512
    /// Whether it zeroes by command.
    private let zeroes: Bool
    private let faults: [Fault]
    private let state: Mutex<State>

    /// What reached the medium between two flushes, in the order in which it was written; any of it may be lost, and in any
    /// order, when power fails before the second.
    package struct Epoch: Sendable {
        package var writes: [(offset: Int, bytes: [UInt8])] = []
    }

    /// - Parameter contents: What is on it; its count is the size.
    package init(
        _ contents: [UInt8], faults: [Fault] = [], seed: UInt64 = 1, zeroes: Bool = false, isBlank: Bool = false,
        queue: DeviceQueue? = nil
    ) {
        self.zeroes = zeroes
        self.isBlank = isBlank
        self.queue = queue
        precondition(contents.count % Self.sector == 0)
        size = Int64(contents.count)
        self.faults = faults
        state = Mutex(State(medium: contents, random: SplitMix64(seed: seed)))
    }

    /// What would be there after a power cut that lost everything pending.
    package var medium: [UInt8] { state.withLock { $0.medium } }
    package var log: [Operation] { state.withLock { $0.log } }
    package var epochs: [Epoch] { state.withLock { $0.epochs } }
    package var violations: [String] { state.withLock { $0.violations } }
    package var isFinalized: Bool { state.withLock { $0.finalized } }
    package var isAbandoned: Bool { state.withLock { $0.abandoned } }
    package var isPresent: Bool { state.withLock { !$0.gone } }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try begin(.read(offset..<(offset + Int64(buffer.count))), address: UInt(bitPattern: buffer.baseAddress))
        state.withLock { state in
            if state.cached { state.violations.append("read at \(offset) can come from a cache") }
            state.medium.withUnsafeBytes { all in
                var done = 0
                while done < buffer.count {
                    let place = place(of: Int(offset) + done)
                    let count = min(buffer.count - done, contiguous(from: Int(offset) + done))
                    UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count]).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: all[place..<place + count]))
                    done += count
                }
            }
        }
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        let number = try begin(
            .write(offset..<(offset + Int64(bytes.count))), address: UInt(bitPattern: bytes.baseAddress))
        let isDropped = faults.contains {
            if case .dropsWrites(let from) = $0 { number >= from } else { false }
        }
        let isTorn = faults.contains { if case .tears(number) = $0 { true } else { false } }
        state.withLock { state in
            state.cached = true
            let count = isTorn ? bytes.count / 2 / Self.sector * Self.sector : bytes.count
            if !isDropped { state.pending.append((Int(offset), Array(bytes[..<count]))) }
        }
        if isTorn { throw .system("operation \(number) of \(name)", .ioError) }
    }

    package func zero(_ range: Range<Int64>) throws(Failure) -> Bool {
        guard zeroes else { return false }
        try begin(.zero(range))
        if faults.contains(where: { if case .ignoresZeroing = $0 { true } else { false } }) { return true }
        state.withLock { state in
            state.cached = true
            state.pending.append((Int(range.lowerBound), [UInt8](repeating: 0, count: range.count)))
        }
        return true
    }

    package func synchronize() throws(Failure) {
        try begin(.synchronize)
        state.withLock { state in
            for (offset, bytes) in state.pending { store(bytes[...], at: offset, in: &state) }
            state.epochs.append(Epoch(writes: state.pending))
            state.pending = []
        }
    }

    package func dropCache() throws(Failure) {
        try begin(.dropCache)
        state.withLock { $0.cached = !$0.pending.isEmpty }
    }

    package func finalize() throws(Failure) {
        try begin(.finalize)
        state.withLock { $0.finalized = true }
    }

    package func abandon() {
        state.withLock {
            $0.log.append(.abandon)
            $0.abandoned = true
        }
    }

    @discardableResult
    private func begin(_ operation: Operation, address: UInt = 0) throws(Failure) -> Int {
        let number = state.withLock { state in
            state.log.append(operation)
            return state.log.count - 1
        }
        switch operation {
        case .read(let range), .write(let range), .zero(let range):
            let sector = Int64(Self.sector)
            guard range.lowerBound >= 0, range.upperBound <= size, !range.isEmpty, range.lowerBound % sector == 0,
                range.upperBound % sector == 0, address % UInt(sector) == 0
            else {
                state.withLock { $0.violations.append("\(operation) is outside or misaligned") }
                throw .system("\(operation)", .invalidArgument)
            }
        default: break
        }
        for fault in faults {
            switch fault {
            case .fails(let at, let error) where number == at: throw .system("operation \(at) of \(name)", error)
            case .vanishes(let at) where number >= at:
                state.withLock { state in
                    state.gone = true
                    for (offset, bytes) in state.pending {
                        for start in stride(from: 0, to: bytes.count, by: Self.sector)
                        where state.random.next() & 1 == 0 {
                            store(bytes[start..<start + Self.sector], at: offset + start, in: &state)
                        }
                    }
                    state.pending = []
                }
                throw .system("operation \(number) of \(name)", .noSuchAddressOrDevice)
            default: break
            }
        }
        return number
    }

    private func store(_ bytes: ArraySlice<UInt8>, at offset: Int, in state: inout State) {
        var done = 0
        while done < bytes.count {
            let place = place(of: offset + done)
            let count = min(bytes.count - done, contiguous(from: offset + done))
            let start = bytes.startIndex + done
            bytes.withUnsafeBytes { source in
                state.medium.withUnsafeMutableBytes { all in
                    UnsafeMutableRawBufferPointer(rebasing: all[place..<place + count]).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: source[(start - bytes.startIndex)...].prefix(count)))
                }
            }
            done += count
        }
        for case .flips(let byte) in faults where (offset..<offset + bytes.count).contains(Int(byte)) {
            state.medium[Int(byte)] ^= 0x10
        }
    }

    private var capacity: Int {
        for case .wraps(let at) in faults { return Int(at) }
        return Int(size)
    }

    private func place(of offset: Int) -> Int { offset % capacity }
    private func contiguous(from offset: Int) -> Int { capacity - offset % capacity }
}
