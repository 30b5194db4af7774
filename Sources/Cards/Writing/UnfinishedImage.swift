package import Diagnostics
package import Storage

/// What a card is written from while the image is still being made: its reads may wait, and a few of its bytes may turn out
/// to be others at the end.
package struct UnfinishedImage {
    /// What it is in the end.
    package struct Finished {
        package var image: any BlockStore
        /// The bytes that matter, or nil for all.
        package var ranges: ByteRanges?
        /// Where it is not what was read of it before.
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
    ///   - finish: Waits until the image is finished. Called once, when all that is known has been written, and nothing has
    ///     been read back; a failure leaves the card without a partition table.
    package init(available: @escaping () -> Int64, finish: @escaping () throws(Failure) -> Finished) {
        self.available = available
        finishing = finish
    }

    package func finish() throws(Failure) -> Finished { try finishing() }
}

extension CardJob {
    /// Writes what the finished image has that the card has not. `area` is what of the card is not held back.
    ///
    /// What was written before and no longer matters is proved like everything else: it is the image's, too.
    func write(_ finished: UnfinishedImage.Finished, after work: Work, in area: Range<Int64>) throws(Failure) -> Work {
        guard finished.image.size == image.store.size else {
            throw Failure(
                .system, "the image has \(finished.image.size) bytes, not \(image.store.size) as it said",
                hint: "run the same command again")
        }
        image = CardImage(store: finished.image)
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
            // Comparing has not looked around what is added: everything is read back, as after writing it all.
            unproved: added.isEmpty ? work.unproved.union(late) : body)
    }

    /// What of an image is written behind the first block, by its `ranges` that matter.
    func body(_ ranges: ByteRanges?, in area: Range<Int64>) -> ByteRanges {
        guard !area.isEmpty else { return ByteRanges() }
        return (ranges?.aligned(to: Self.sector) ?? ByteRanges([area])).clamped(to: area)
    }
}
