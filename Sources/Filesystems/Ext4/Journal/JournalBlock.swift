import Text

/// The start of a block in the log that is not a copy of a file system's block (kernel, ext4/journal.rst, "Block Header").
struct JournalBlock {
    static let magic: UInt32 = 0xC03B_3998
    /// In bytes: magic, kind, sequence.
    static let headerSize = 12

    enum Kind: UInt32 {
        case descriptor = 1
        case commit = 2
        case superblockV1 = 3
        case superblockV2 = 4
        case revocation = 5
    }

    let kind: Kind
    /// The number of the transaction.
    let sequence: UInt32

    /// Nil if `bytes` do not begin with such a header.
    init?(of bytes: [UInt8]) {
        guard bytes.count >= Self.headerSize, bytes.bigU32(0) == Self.magic, let kind = Kind(rawValue: bytes.bigU32(4))
        else { return nil }
        self.kind = kind
        sequence = bytes.bigU32(8)
    }

    /// A block of `size` bytes with this header and zeros.
    static func empty(_ kind: Kind, sequence: UInt32, size: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        bytes.setBig(magic, at: 0)
        bytes.setBig(kind.rawValue, at: 4)
        bytes.setBig(sequence, at: 8)
        return bytes
    }
}
