/// A directory of a FAT volume as it was read: its bytes, and the names in them.
struct FATDirectory: Sendable {
    /// Where a directory's entries are.
    enum Place: Hashable, Sendable {
        case root
        case cluster(UInt32)
    }

    /// The most entries that a directory can have (specification, "FAT Directory Structure": 2 MiB of them).
    static let largestSlotCount = 65536

    let place: Place
    /// The clusters it fills; none for FAT16's root.
    let chain: [UInt32]
    let bytes: [UInt8]
    let entries: [DirectoryEntry]

    init(place: Place, chain: [UInt32], bytes: [UInt8]) {
        self.place = place
        self.chain = chain
        self.bytes = bytes
        entries = DirectoryEntry.parse(bytes)
    }

    /// The names that a user sees: no label, no "." and "..".
    var visible: [DirectoryEntry] { entries.filter { !$0.isVolumeLabel && !$0.isDots } }

    func entry(_ name: String) -> DirectoryEntry? {
        let wanted = FoldedName(name)
        return visible.first { $0.answers(to: wanted) }
    }

    var slotCount: Int { bytes.count / DirectorySlot.size }

    func slot(_ index: Int) -> [UInt8] {
        Array(bytes[(index * DirectorySlot.size)..<((index + 1) * DirectorySlot.size)])
    }

    /// Room for new entries.
    struct Room {
        /// The first free slot.
        let start: Int
        /// How many slots the directory must grow by.
        let missing: Int
        /// The slot that must become the new end marker, so that old entries behind it do not come back.
        let newEnd: Int?
    }

    /// The first `count` free slots in a row: deleted ones, or those from the end marker on.
    func room(for count: Int) -> Room {
        var length = 0
        var isPastEnd = false
        for index in 0..<slotCount {
            let first = bytes[index * DirectorySlot.size]
            isPastEnd = isPastEnd || first == DirectoryEntry.Mark.end
            length = isPastEnd || first == DirectoryEntry.Mark.deleted ? length + 1 : 0
            guard length == count else { continue }
            let next = index + 1
            // What is behind an end marker is not a directory entry, and must not become one.
            let isExposed =
                isPastEnd && next < slotCount && bytes[next * DirectorySlot.size] != DirectoryEntry.Mark.end
            return Room(start: next - count, missing: 0, newEnd: isExposed ? next : nil)
        }
        return Room(start: slotCount - length, missing: count - length, newEnd: nil)
    }
}
