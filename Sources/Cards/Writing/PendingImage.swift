package import Diagnostics
package import Storage

/// An image that is still being unpacked while the card is written: reads may wait, and a few of its bytes may change
/// at the end.
package struct PendingImage {
    /// The complete image.
    package struct Finished {
        package var image: any BlockStore
        /// The bytes that matter, or nil for all.
        package var ranges: ByteRanges?
        /// Where it differs from what was read before.
        package var changes: ByteRanges

        package init(image: any BlockStore, ranges: ByteRanges?, changes: ByteRanges) {
            self.image = image
            self.ranges = ranges
            self.changes = changes
        }
    }

    let available: () -> Int64
    private let finishing: () throws(Failure) -> Finished

    /// - Parameters:
    ///   - available: How many bytes, from the beginning on, can be read without waiting.
    ///   - finish: Waits until the image is complete. Called once, after everything known so far is written and before
    ///     anything is read back; if it fails, the card has no partition table.
    package init(available: @escaping () -> Int64, finish: @escaping () throws(Failure) -> Finished) {
        self.available = available
        finishing = finish
    }

    package func finish() throws(Failure) -> Finished { try finishing() }
}

extension CardJob {
    /// Writes what the finished image has and the card has not. `area` is the card without the first block.
    ///
    /// What was written before and no longer matters is verified like everything else: it is part of the image too.
    func write(_ finished: PendingImage.Finished, after work: Work, in area: Range<Int64>) throws(Failure) -> Work {
        guard finished.image.size == image.store.size else {
            throw Failure(
                .system, "the image has \(finished.image.size) bytes, not \(image.store.size) as announced",
                hint: "run the same command again")
        }
        image = PaddedImage(store: finished.image)
        let wanted = body(finished.ranges, in: area)
        let added = wanted.subtracting(work.body)
        let changed = finished.changes.aligned(to: Self.sector).clamped(to: area)
        let late = added.union(changed.subtracting(changed.subtracting(wanted.union(work.body))))
        for range in late.ranges.lazy.flatMap({ $0.pieces(of: CardWriter.firstBlock) }) {
            try checkCancelled()
            let bytes = scratch(range.count)
            try image.read(into: bytes, at: range.lowerBound)
            try target.write(UnsafeRawBufferPointer(bytes), at: range.lowerBound)
        }
        let body = work.body.union(added)
        return Work(
            body: body, unwritten: work.unwritten.union(late),
            // Comparing has not probed around the added ranges: everything is read back, as after writing it all.
            unproved: added.isEmpty ? work.unproved.union(late) : body)
    }

    /// The part of an image that is written after the first block, given the `ranges` that matter.
    func body(_ ranges: ByteRanges?, in area: Range<Int64>) -> ByteRanges {
        guard !area.isEmpty else { return ByteRanges() }
        return (ranges?.aligned(to: Self.sector) ?? ByteRanges([area])).clamped(to: area)
    }
}
