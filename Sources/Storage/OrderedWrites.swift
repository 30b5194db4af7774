package import Diagnostics

/// Writes to a medium in steps. Each step is on the medium before the next one begins; within a step the medium may take
/// the sectors in any order, and a power cut may keep any part of them.
package struct OrderedWrites: Sendable {
    private struct Step {
        var copied = ByteRanges()
        var pieces: [(offset: Int64, bytes: [UInt8])] = []
    }

    private let source: any BlockStore
    private var steps: [Step] = []

    /// Nothing yet. What is copied comes from `source`, which has the offsets of the medium.
    package init(from source: any BlockStore) { self.source = source }

    /// Adds a step: the bytes of the source in `copied`, and `pieces`, which win where both are.
    package mutating func add(
        copying copied: ByteRanges = ByteRanges(), _ pieces: [(offset: Int64, bytes: [UInt8])] = []
    ) { steps.append(Step(copied: copied, pieces: pieces)) }

    /// Carries out all steps on `target`. What a step does not change is not written.
    package func carry(to target: some WritableBlockStore) throws(Failure) {
        for step in steps {
            // Blocks that two steps share are read again for each, and hold nothing of a later step.
            let edges = Overlay(over: target)
            let whole = try copy(step.copied, to: target, edges: edges)
            for (offset, bytes) in step.pieces { try edges.write(bytes, at: offset) }
            if edges.changes.isEmpty { if whole { try target.synchronize() } } else { try edges.commit(to: target) }
        }
    }

    /// The blocks of an overlay are the smallest that a device takes. Returns whether `target` was written.
    private func copy(
        _ ranges: ByteRanges, to target: some WritableBlockStore, edges: Overlay
    ) throws(Failure) -> Bool {
        let block = Int64(Overlay.blockSize)
        var isWritten = false
        for range in ranges.ranges {
            let first = min((range.lowerBound + block - 1) / block * block, range.upperBound)
            let last = max(range.upperBound / block * block, first)
            for edge in [range.lowerBound..<first, last..<range.upperBound] where !edge.isEmpty {
                try edges.write(try source.bytes(at: edge.lowerBound, count: edge.count), at: edge.lowerBound)
            }
            for start in stride(from: first, to: last, by: Self.part) {
                let count = Int(min(Int64(Self.part), last - start))
                try target.write(try source.bytes(at: start, count: count), at: start)
                isWritten = true
            }
        }
        return isWritten
    }

    /// In bytes: so much of the source is in memory a second time.
    private static let part = 1 << 20

    /// Makes the same changes on an overlay.
    package func apply(to overlay: Overlay) throws(Failure) {
        for step in steps {
            for range in step.copied.ranges {
                try overlay.write(try source.bytes(at: range.lowerBound, count: range.count), at: range.lowerBound)
            }
            for (offset, bytes) in step.pieces { try overlay.write(bytes, at: offset) }
        }
    }
}
