package import Storage

#if canImport(Glibc)
    import Glibc
#endif

/// What a card's first block holds until the real one is written.
///
/// It is plain text, without any signature of a partition table or file system. Each run has another text: if it
/// appears anywhere else on the card, that address leads to the first block too, and the card is smaller than it says.
struct CardSentinel: Sendable {
    fileprivate static let beginning = Array("piflash: this card is not complete; write it again. run ".utf8)
    private let text: [UInt8]

    init(run: UInt64 = .random(in: .min ... .max)) {
        text = Self.beginning + Array("\(run), byte ".utf8)
    }

    /// Fills `buffer`, whole sectors of 512 bytes, with the sentinel for the place `offset` (in bytes).
    func fill(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int64) {
        buffer.fillWithZeros()
        for start in stride(from: 0, to: buffer.count, by: 512) {
            let sector = UnsafeMutableRawBufferPointer(rebasing: buffer[start..<min(start + 512, buffer.count)])
            sector.copyBytes(from: text + Array("\(offset + Int64(start))\n".utf8))
        }
    }

    /// Whether `bytes`, whole sectors, holds a sentinel of this run anywhere.
    func isFound(in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        return stride(from: 0, to: bytes.count - text.count, by: 512).contains {
            memcmp(base + $0, text, text.count) == 0
        }
    }
}

extension CardWriter {
    /// Whether `card` has the sentinel of any run that did not complete it.
    package static func hasSentinel(_ card: some BlockStore) -> Bool {
        let beginning = CardSentinel.beginning
        return (try? card.bytes(at: 0, count: beginning.count)) == beginning
    }
}
