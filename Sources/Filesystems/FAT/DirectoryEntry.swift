import Text

/// One name of a FAT directory with the slots (32-byte entries) it takes.
///
///     0   short name (11 bytes)      20  first cluster, upper half (FAT32)
///     11  attributes                 22  time and date of the last write
///     12  case bits                  26  first cluster, lower half
///     14  time and date of creation  28  size in bytes
///     18  date of the last access
struct DirectoryEntry: Sendable {
    enum Attribute {
        static let readOnly: UInt8 = 0x01
        static let volume: UInt8 = 0x08
        static let directory: UInt8 = 0x10
        static let archive: UInt8 = 0x20

        /// A file that was written gets the bit that backup programs look for.
        static func archiveUnlessDirectory(_ attributes: UInt8) -> UInt8 {
            attributes & directory == 0 ? archive : 0
        }
    }

    /// The first byte of an entry that is not a name.
    enum Mark {
        static let deleted: UInt8 = 0xE5
        /// Nothing follows in the directory, whatever the bytes say.
        static let end: UInt8 = 0x00
    }

    let name: String
    let shortName: ShortName
    /// Which slots of its directory the entry takes; the last one is the short entry.
    let slots: Range<Int>
    let raw: [UInt8]

    var attributes: UInt8 { raw[11] }
    var isDirectory: Bool { attributes & Attribute.directory != 0 }
    var isVolumeLabel: Bool { attributes & Attribute.volume != 0 }
    /// On FAT12 and FAT16 the upper half is not a cluster number (OS/2 keeps a handle there).
    func firstCluster(_ kind: FATKind) -> UInt32 {
        let low = UInt32(raw.u16(26))
        return kind == .fat32 ? (UInt32(raw.u16(20)) << 16 | low) & 0x0FFF_FFFF : low
    }

    var fileSize: UInt32 { raw.u32(28) }
    var isDots: Bool { raw[0] == UInt8(ascii: ".") }

    /// Whether the entry is called `wanted`, by its long name or its short one.
    func answers(to wanted: FoldedName) -> Bool {
        FoldedName(name) == wanted || FoldedName(shortName.text()) == wanted
    }

    /// The entries of a directory's bytes, up to its end marker.
    static func parse(_ bytes: [UInt8]) -> [DirectoryEntry] {
        var result: [DirectoryEntry] = []
        var long: [[UInt8]] = []
        for slot in 0..<(bytes.count / DirectorySlot.size) {
            let raw = Array(bytes[(slot * DirectorySlot.size)..<((slot + 1) * DirectorySlot.size)])
            if raw[0] == Mark.end { break }
            if raw[0] == Mark.deleted {
                long = []
            } else if raw[11] & 0x3F == LongName.attribute {
                if raw[0] & 0x40 != 0 { long = [] }
                long.append(raw)
            } else {
                let short = ShortName(bytes: Array(raw[0..<11]))
                let name = LongName.decode(long, checksum: short.checksum)
                result.append(
                    DirectoryEntry(
                        name: name ?? short.text(caseBits: raw[12]), shortName: short,
                        slots: (name == nil ? slot : slot - long.count)..<(slot + 1), raw: raw))
                long = []
            }
        }
        return result
    }

    /// A new short entry.
    static func make(
        _ name: ShortName, attributes: UInt8, cluster: UInt32, size: UInt32, modified: FATTimestamp
    ) -> [UInt8] {
        var raw = name.bytes + [UInt8](repeating: 0, count: DirectorySlot.size - 11)
        raw[11] = attributes
        raw.set(modified.time, at: 14)
        raw.set(modified.date, at: 16)
        return update(raw, cluster: cluster, size: size, modified: modified)
    }

    /// A short entry that points to new contents.
    static func update(_ entry: [UInt8], cluster: UInt32, size: UInt32, modified: FATTimestamp) -> [UInt8] {
        var raw = entry
        raw[11] |= Attribute.archiveUnlessDirectory(raw[11])
        raw.set(modified.date, at: 18)
        raw.set(UInt16(truncatingIfNeeded: cluster >> 16), at: 20)
        raw.set(modified.time, at: 22)
        raw.set(modified.date, at: 24)
        raw.set(UInt16(truncatingIfNeeded: cluster), at: 26)
        raw.set(size, at: 28)
        return raw
    }
}
