package import Diagnostics
import Storage
import Synchronization

/// A medium with a cache: what is written between two flushes may reach it in part and in any order when power fails.
///
/// Reads see every write. ``cuts(seed:random:)`` gives the media that a power cut could leave.
package final class VolatileStore: WritableBlockStore {
    /// A medium after a power cut.
    package struct Cut: CustomStringConvertible, Sendable {
        /// Shares what it has in common with others.
        package let contents: MemoryStore.Contents
        package var bytes: [UInt8] { contents.bytes }
        /// How many flushes had ended.
        package let flushes: Int
        package let description: String
    }

    private struct Write {
        let offset: Int
        let bytes: [UInt8]
    }

    private struct State {
        var contents: MemoryStore.Contents
        /// The writes before the first flush, between it and the second, and so on.
        var epochs: [[Write]] = [[]]
    }

    package let size: Int64
    package let name: String
    private let start: MemoryStore.Contents
    private let state: Mutex<State>

    package init(_ bytes: [UInt8], name: String = "volatile") {
        size = Int64(bytes.count)
        self.name = name
        start = MemoryStore.Contents(bytes)
        state = Mutex(State(contents: start))
    }

    package var contents: MemoryStore.Contents { state.withLock { $0.contents } }

    package var allBytes: [UInt8] { contents.bytes }

    /// How many flushes had something to flush.
    package var flushCount: Int { state.withLock { $0.epochs.count { !$0.isEmpty } } }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: buffer.count)
        state.withLock { $0.contents.read(into: buffer, at: Int(offset)) }
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: bytes.count)
        let write = Write(offset: Int(offset), bytes: Array(bytes))
        state.withLock { state in
            Self.put(write, into: &state.contents)
            state.epochs[state.epochs.count - 1].append(write)
        }
    }

    package func synchronize() throws(Failure) { state.withLock { $0.epochs.append([]) } }

    /// For each epoch: the medium without it, with one write alone, with all but one, and `random` times any sectors of
    /// it, each sector of 512 bytes whole.
    package func cuts(seed: UInt64, random count: Int) -> [Cut] {
        let epochs = state.withLock { $0.epochs }
        var random = SplitMix64(seed: seed)
        var medium = start
        var cuts: [Cut] = []
        for (number, epoch) in epochs.enumerated() where !epoch.isEmpty {
            func cut(_ what: String, _ writes: [Write]) {
                var contents = medium
                for write in writes { Self.put(write, into: &contents) }
                cuts.append(Cut(contents: contents, flushes: number, description: "after flush \(number), \(what)"))
            }
            cut("nothing of what follows", [])
            for index in epoch.indices {
                cut("only write \(index)", [epoch[index]])
                cut("all but write \(index)", Array(epoch[..<index] + epoch[(index + 1)...]))
            }
            for round in 0..<count {
                let sectors = epoch.flatMap(Self.sectors).shuffled(using: &random)
                cut("any sectors, \(round)", sectors.filter { _ in random.next() & 1 == 0 })
            }
            for write in epoch { Self.put(write, into: &medium) }
        }
        cuts.append(Cut(contents: medium, flushes: epochs.count, description: "after all"))
        return cuts
    }

    private static func sectors(_ write: Write) -> [Write] {
        stride(from: 0, to: write.bytes.count, by: 512).map {
            Write(offset: write.offset + $0, bytes: Array(write.bytes[$0..<min($0 + 512, write.bytes.count)]))
        }
    }

    private static func put(_ write: Write, into contents: inout MemoryStore.Contents) {
        write.bytes.withUnsafeBytes { contents.write($0, at: write.offset) }
    }
}
