package import Storage

#if canImport(Glibc)
    import Glibc
#endif

/// What stands in a card's first block until the real one is written.
///
/// It is plain text, with no signature that a tool could take for a partition table or a file system. It is another one
/// in every run, so where it shows up again, there the card's first block is met again under another address: the card
/// is smaller than it says.
struct CardMark: Sendable {
    fileprivate static let beginning = Array("piflash: this card is not complete; write it again. run ".utf8)
    private let text: [UInt8]

    init(run: UInt64 = .random(in: .min ... .max)) {
        text = Self.beginning + Array("\(run), byte ".utf8)
    }

    /// Fills `buffer`, whole sectors of 512 bytes, with the mark of the place `offset` (in bytes).
    func fill(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int64) {
        buffer.initializeMemory(as: UInt8.self, repeating: 0)
        for start in stride(from: 0, to: buffer.count, by: 512) {
            let sector = UnsafeMutableRawBufferPointer(rebasing: buffer[start..<min(start + 512, buffer.count)])
            sector.copyBytes(from: text + Array("\(offset + Int64(start))\n".utf8))
        }
    }

    /// Whether `bytes`, whole sectors, holds a mark of this run anywhere.
    func isFound(in bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        return stride(from: 0, to: bytes.count - text.count, by: 512).contains {
            memcmp(base + $0, text, text.count) == 0
        }
    }
}

extension CardWriter {
    /// Whether `card` has the mark of a run, of any, that did not complete it.
    package static func hasMark(_ card: some BlockStore) -> Bool {
        let mark = CardMark.beginning
        return (try? card.bytes(at: 0, count: mark.count)) == mark
    }
}
