/// What a block device is opened for.
package enum DeviceAccess: UInt32, Sendable {
    /// To read it; other programs may use it at the same time.
    case read = 1
    /// To read what it is, even without a medium; a reader then checks if there is one.
    case probe = 2
    /// To write it, with O_EXCL: the kernel refuses while it is mounted, swapped on or held by another device.
    case exclusive = 3
}

/// What a process without root's rights asks the one that has them (``DeviceOpener``).
package enum DeviceRequest: Hashable, Sendable {
    case open(DeviceNumber, DeviceAccess)
    /// BLKRRPART on an open device, which follows in a message of its own.
    case rereadPartitionTable
    /// BLKFLSBUF on an open device, which follows in a message of its own.
    case flushBuffers

    /// The length of every request in bytes: there is nothing to parse.
    package static let length = 12

    /// Three numbers of 32 bits: the operation, and the device's number.
    package var bytes: [UInt8] {
        let words: [UInt32] =
            switch self {
            case .open(let number, let access): [access.rawValue, number.major, number.minor]
            case .rereadPartitionTable: [4, 0, 0]
            case .flushBuffers: [5, 0, 0]
            }
        return words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
    }

    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.length else { return nil }
        let words = (0..<3).map { word in
            (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[word * 4 + $1]) << ($1 * 8) }
        }
        switch words[0] {
        case 4: self = .rereadPartitionTable
        case 5: self = .flushBuffers
        default:
            guard let access = DeviceAccess(rawValue: words[0]) else { return nil }
            self = .open(DeviceNumber(major: words[1], minor: words[2]), access)
        }
    }
}
