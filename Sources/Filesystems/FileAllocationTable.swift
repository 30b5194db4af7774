import Diagnostics
import Storage

/// The file allocation table: for each cluster the next one of its file, or a mark.
///
/// Entries are 16 bits (FAT16) or 28 bits in 32 (FAT32; the upper four are kept). 0 is free, 0x…FF7 bad, 0x…FF8 and
/// above the end of a chain. Entry 1 holds the "shut down cleanly" bits.
struct FileAllocationTable: Sendable {
    private let boot: BootSector
    private let name: String
    private var entries: [UInt32]
    private(set) var freeCount: Int
    /// The entries that were changed since the last ``flush(to:)``.
    private var changed: Set<Int> = []

    private var mask: UInt32 { boot.kind == .fat32 ? 0x0FFF_FFFF : 0xFFFF }
    private var endMark: UInt32 { mask }
    private var firstEndMark: UInt32 { mask - 7 }
    private var entrySize: Int { boot.kind == .fat32 ? 4 : 2 }

    init(of store: some BlockStore, boot: BootSector) throws(Failure) {
        self.boot = boot
        name = store.name
        let count = boot.clusterCount + 2
        let size = boot.kind == .fat32 ? 4 : 2
        let start = boot.fatStart + Int64(boot.activeFAT ?? 0) * boot.fatSize
        let raw = try store.bytes(at: start, count: count * size)
        let entries = raw.withUnsafeBytes { bytes in
            boot.kind == .fat32
                ? (0..<count).map { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)) }
                : (0..<count).map {
                    UInt32(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self)))
                }
        }
        let low: UInt32 = boot.kind == .fat32 ? 0x0FFF_FFFF : 0xFFFF
        freeCount = entries.withUnsafeBufferPointer { all in
            var free = 0
            for index in 2..<all.count where all[index] & low == 0 { free += 1 }
            return free
        }
        self.entries = entries
    }

    /// Whether the volume was taken out without being unmounted (bits of entry 1: 15 on FAT16, 27 on FAT32).
    var isMarkedDirty: Bool { entries[1] & (boot.kind == .fat32 ? 0x0800_0000 : 0x8000) == 0 }

    /// The clusters of the chain that starts at `first`.
    func chain(from first: UInt32) throws(Failure) -> [UInt32] {
        var result: [UInt32] = []
        var cluster = first
        repeat {
            guard cluster >= 2, Int(cluster) < entries.count, result.count < boot.clusterCount else {
                throw Failure(
                    .damagedFilesystem, "\(name): a chain of clusters is broken at cluster \(cluster)",
                    hint: "repair it with `fsck.fat -a`, or write the card anew")
            }
            result.append(cluster)
            cluster = entries[Int(cluster)] & mask
        } while cluster < firstEndMark
        return result
    }

    /// Chains `count` free clusters, in one run when there is a run that long, and returns them.
    mutating func allocate(_ count: Int) throws(Failure) -> [UInt32] {
        guard count > 0 else { return [] }
        guard count <= freeCount else {
            throw Failure(
                .filesystemFull,
                "\(name) is full: \(formatBytes(Int64(count * boot.clusterSize))) are needed, "
                    + "\(formatBytes(Int64(freeCount * boot.clusterSize))) are free",
                hint: "make the files that the recipe puts there smaller")
        }
        let chosen = firstRun(of: count) ?? firstFree(count)
        for (index, cluster) in chosen.enumerated() {
            set(cluster, to: index + 1 < chosen.count ? chosen[index + 1] : endMark)
        }
        freeCount -= count
        return chosen
    }

    /// Appends the chain that starts at `next` to the one that ends at `last`.
    mutating func link(_ last: UInt32, to next: UInt32) { set(last, to: next) }

    mutating func free(_ chain: [UInt32]) {
        for cluster in chain { set(cluster, to: 0) }
        freeCount += chain.count
    }

    /// Writes the changed entries to every copy of the table, and the free count to FSInfo.
    mutating func flush(to store: some WritableBlockStore) throws(Failure) {
        let copies = boot.activeFAT.map { [$0] } ?? Array(0..<boot.fatCount)
        for index in changed.sorted() {
            var bytes = [UInt8](repeating: 0, count: entrySize)
            if entrySize == 4 { bytes.set(entries[index], at: 0) } else { bytes.set(UInt16(entries[index]), at: 0) }
            for copy in copies {
                try store.write(
                    bytes, at: boot.fatStart + Int64(copy) * boot.fatSize + Int64(index * entrySize))
            }
        }
        changed = []
        guard let info = boot.fsInfo else { return }
        // FSInfo (specification, "FSInfo Sector Structure"): two signatures, 488 the free count, 492 where to look next.
        var sector = try store.bytes(at: info, count: 512)
        guard sector.u32(0) == 0x4161_5252, sector.u32(484) == 0x6141_7272 else { return }
        sector.set(UInt32(freeCount), at: 488)
        sector.set(UInt32(nextFree ?? 2), at: 492)
        try store.write(sector, at: info)
    }

    private var nextFree: Int? { entries.indices.dropFirst(2).first { entries[$0] & mask == 0 } }

    private mutating func set(_ cluster: UInt32, to value: UInt32) {
        let index = Int(cluster)
        entries[index] = entries[index] & ~mask | value
        changed.insert(index)
    }

    private func firstRun(of count: Int) -> [UInt32]? {
        var length = 0
        for index in 2..<entries.count {
            length = entries[index] & mask == 0 ? length + 1 : 0
            if length == count { return ((index - count + 1)...index).map(UInt32.init) }
        }
        return nil
    }

    private func firstFree(_ count: Int) -> [UInt32] {
        entries.indices.dropFirst(2).lazy.filter { entries[$0] & mask == 0 }.prefix(count).map(UInt32.init)
    }
}
