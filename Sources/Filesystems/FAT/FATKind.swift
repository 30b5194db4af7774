/// Which FAT it is, by the size of a number in its table.
enum FATKind: String, Sendable {
    /// Read, but not edited.
    case fat12 = "FAT12"
    case fat16 = "FAT16", fat32 = "FAT32"

    /// The size of a number in the file allocation table, in bits.
    var entryBits: Int {
        switch self {
        case .fat12: 12
        case .fat16: 16
        case .fat32: 32
        }
    }
}
