import Text
import Diagnostics
import Storage

/// The file allocation table: for each cluster the next one of its file, or a special value.
///
/// Entries are 12 bits (FAT12, which is only read), 16 bits (FAT16) or 28 bits in 32 (FAT32; the upper four are kept). 0
/// is free, 0x…FF7 bad, 0x…FF8 and above the end of a chain. Entry 0 repeats the medium byte; entry 1 holds two bits that
/// are set while all is well, but on FAT12.
struct FileAllocationTable: Sendable {
    private let boot: BootSector
    private let name: String
    private let mask: UInt32
    private var entries: [UInt32]
    private(set) var freeCount: Int
    /// No cluster below this one is free.
    private var lowestFree = 2
    /// The entries that were changed since the last ``flush(to:)``.
    private var changed: Set<Int> = []
    /// What was freed since the volume was opened. It is used again last: an edit over an overlay commits data
    /// first, and that must not overwrite a file to which the directories on the medium still point.
    private var recentlyFreed: Set<Int> = []

    /// How many clusters FSInfo calls free though they are in chains that no file has: fsck.fat counts them so, too.
    private var lostCount = 0

    private var endMark: UInt32 { mask }
    private var firstEndMark: UInt32 { mask - 7 }
    private var entrySize: Int { boot.kind == .fat32 ? 4 : 2 }

    /// - Parameter copy: Which of the copies is read, from 0; nil for the one that counts.
    init(of store: some BlockStore, boot: BootSector, copy: Int? = nil) throws(Failure) {
        self.boot = boot
        name = store.name
        let kind = boot.kind
        let mask: UInt32 =
            switch kind {
            case .fat12: 0xFFF
            case .fat16: 0xFFFF
            case .fat32: 0x0FFF_FFFF
            }
        let count = boot.clusterCount + 2
        let start = boot.fatStart + Int64(copy ?? boot.activeFAT ?? 0) * boot.fatSize
        let raw = try store.bytes(at: start, count: Self.length(boot))
        var free = 0
        entries = raw.withUnsafeBytes { bytes in
            [UInt32](unsafeUninitializedCapacity: count) { buffer, filled in
                for index in 0..<count {
                    let entry =
                        switch kind {
                        case .fat32:
                            UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self))
                        case .fat16:
                            UInt32(
                                UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)))
                        case .fat12:
                            // Two entries share three bytes: an odd one starts in the middle of its first.
                            UInt32(
                                UInt16(
                                    littleEndian: bytes.loadUnaligned(
                                        fromByteOffset: index &* 3 / 2, as: UInt16.self)))
                                >> (index & 1 == 1 ? 4 : 0) & mask
                        }
                    if entry & mask == 0, index >= 2 { free += 1 }
                    buffer.initializeElement(at: index, to: entry)
                }
                filled = count
            }
        }
        freeCount = free
        self.mask = mask
    }

    /// How many bytes of a copy of the table describe clusters.
    private static func length(_ boot: BootSector) -> Int { ((boot.clusterCount + 2) * boot.kind.entryBits + 7) / 8 }

    /// Whether all copies of the table that are kept the same are the same.
    static func isMirrored(in store: some BlockStore, boot: BootSector) throws(Failure) -> Bool {
        guard boot.activeFAT == nil else { return true }
        for copy in 1..<max(boot.fatCount, 1) {
            guard try isMirrored(in: store, boot: boot, copy: copy) else { return false }
        }
        return true
    }

    /// Whether a copy of the table is the same as the one that counts.
    static func isMirrored(in store: some BlockStore, boot: BootSector, copy: Int) throws(Failure) -> Bool {
        let (one, other) = (Int64(boot.activeFAT ?? 0) * boot.fatSize, Int64(copy) * boot.fatSize)
        // In parts, since a table can have many MiB.
        let length = length(boot)
        for offset in stride(from: 0, to: length, by: 1 << 16) {
            let count = min(1 << 16, length - offset)
            let start = boot.fatStart + Int64(offset)
            guard try store.bytes(at: start + one, count: count) == store.bytes(at: start + other, count: count) else {
                return false
            }
        }
        return true
    }

    /// Notes the entries in which the copies of the table differ as changed: the next ``flush(to:)`` makes them the same.
    mutating func adoptDifferences(in store: some BlockStore) throws(Failure) {
        for copy in 0..<boot.fatCount where copy != boot.activeFAT ?? 0 {
            guard try !Self.isMirrored(in: store, boot: boot, copy: copy) else { continue }
            let other = try FileAllocationTable(of: store, boot: boot, copy: copy)
            for index in entries.indices where entries[index] != other.entries[index] { changed.insert(index) }
        }
    }

    /// Notes that only `reachable` clusters belong to files. If FSInfo counts the rest as free, it goes on doing so: the
    /// difference between it and the table does not grow by an edit.
    mutating func noteReachable(_ reachable: Int, in store: some BlockStore) throws(Failure) {
        let bad = emptyRuns.reduce(0) { $0 + $1.count } - freeCount
        let lost = boot.clusterCount - freeCount - bad - reachable
        guard lost > 0, try FSInfo.freeCount(in: store, boot: boot) == UInt32(freeCount + lost) else { return }
        lostCount = lost
    }

    /// Whether entry 0 repeats the medium byte of the boot sector, as the specification asks for ("FAT Entry 0").
    var startsWithMedium: Bool { entries[0] & 0xFF == UInt32(boot.medium) }

    /// The runs of clusters, in their order, that hold nothing: free ones, and bad ones, which no file may use.
    var emptyRuns: [Range<UInt32>] {
        let bad = mask - 8
        return entries.withUnsafeBufferPointer { entries in
            var runs: [Range<UInt32>] = []
            var start: Int?
            for index in 2...entries.count {
                let isEmpty = index < entries.count && (entries[index] & mask == 0 || entries[index] & mask == bad)
                if isEmpty {
                    start = start ?? index
                } else if let first = start {
                    runs.append(UInt32(first)..<UInt32(index))
                    start = nil
                }
            }
            return runs
        }
    }

    /// Whether the volume was taken out without being unmounted (bits of entry 1: 15 on FAT16, 27 on FAT32).
    var isMarkedDirty: Bool {
        boot.kind != .fat12 && entries[1] & (boot.kind == .fat32 ? 0x0800_0000 : 0x8000) == 0
    }

    /// Whether a system met read or write errors on the volume (bits of entry 1: 14 on FAT16, 26 on FAT32).
    var isMarkedFaulty: Bool {
        boot.kind != .fat12 && entries[1] & (boot.kind == .fat32 ? 0x0400_0000 : 0x4000) == 0
    }

    /// The clusters of the chain that starts at `first`.
    func chain(from first: UInt32) throws(Failure) -> [UInt32] {
        var result: [UInt32] = []
        var cluster = first
        repeat {
            guard cluster >= 2, Int(cluster) < entries.count, result.count < boot.clusterCount else {
                throw Failure(
                    .damagedFilesystem, "\(name): a chain of clusters is broken at cluster \(cluster)",
                    hint: "repair it with `fsck.fat -a` on its partition, or write the card again")
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
                "\(name) is full: \(formatBytes(Int64(count) * Int64(boot.clusterSize))) more are needed, "
                    + "\(formatBytes(Int64(freeCount) * Int64(boot.clusterSize))) are free",
                hint: "make the files that the recipe puts there smaller")
        }
        let chosen =
            free(count, inOneRun: true, sparing: recentlyFreed) ?? free(count, inOneRun: false, sparing: recentlyFreed)
            ?? free(count, inOneRun: true, sparing: []) ?? free(count, inOneRun: false, sparing: []) ?? []
        for (index, cluster) in chosen.enumerated() {
            set(cluster, to: index + 1 < chosen.count ? chosen[index + 1] : endMark)
        }
        freeCount -= count
        return chosen
    }

    /// Appends the chain that starts at `next` to the one that ends at `last`.
    mutating func link(_ last: UInt32, to next: UInt32) { set(last, to: next) }

    mutating func free(_ chain: [UInt32]) {
        for cluster in chain {
            set(cluster, to: 0)
            recentlyFreed.insert(Int(cluster))
            lowestFree = min(lowestFree, Int(cluster))
        }
        freeCount += chain.count
    }

    /// This table with the chains of `newer` added: what `newer` frees stays allocated. Flushed, it makes both the old
    /// and the new files complete.
    func keepingChains(besides newer: FileAllocationTable) -> FileAllocationTable {
        var result = self
        for index in entries.indices where newer.entries[index] != entries[index] && newer.entries[index] & mask != 0 {
            if entries[index] & mask == 0 { result.freeCount -= 1 }
            result.entries[index] = newer.entries[index]
            result.changed.insert(index)
        }
        return result
    }

    /// Writes the changed entries to every copy of the table, and the free count to FSInfo. Linux reads the first copy even
    /// where the boot sector names another one (kernel, fs/fat/inode.c).
    mutating func flush(to store: some WritableBlockStore) throws(Failure) {
        guard !changed.isEmpty else { return }
        // What lies between two changes of one block is written again as it is: one write for each block and copy.
        let perBlock = Overlay.blockSize / entrySize
        for (_, indices) in Dictionary(grouping: changed, by: { $0 / perBlock }).sorted(by: { $0.key < $1.key }) {
            guard let first = indices.min(), let last = indices.max() else { continue }
            let bytes = encode(entries[first...last])
            for copy in 0..<boot.fatCount {
                let start = boot.fatStart + Int64(copy) * boot.fatSize
                try store.write(bytes, at: start + Int64(first) * Int64(entrySize))
            }
        }
        changed = []
        while lowestFree < entries.count, entries[lowestFree] & mask != 0 { lowestFree += 1 }
        try FSInfo.update(
            in: store, boot: boot, freeCount: freeCount + lostCount,
            nextFree: lowestFree < entries.count ? lowestFree : nil)
    }

    private func encode(_ entries: ArraySlice<UInt32>) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: entries.count * entrySize)
        for (index, entry) in entries.enumerated() {
            if entrySize == 4 {
                bytes.set(entry, at: index * 4)
            } else {
                bytes.set(UInt16(truncatingIfNeeded: entry), at: index * 2)
            }
        }
        return bytes
    }

    private mutating func set(_ cluster: UInt32, to value: UInt32) {
        let index = Int(cluster)
        entries[index] = entries[index] & ~mask | value
        changed.insert(index)
    }

    /// The first `count` free clusters that are not in `spared`, in one run or wherever they are; nil when there are
    /// none such.
    private func free(_ count: Int, inOneRun: Bool, sparing spared: Set<Int>) -> [UInt32]? {
        let mask = mask
        return entries.withUnsafeBufferPointer { entries in
            var found: [UInt32] = []
            for index in lowestFree..<entries.count {
                if entries[index] & mask == 0, spared.isEmpty || !spared.contains(index) {
                    found.append(UInt32(index))
                    if found.count == count { return found }
                } else if inOneRun, !found.isEmpty {
                    found.removeAll(keepingCapacity: true)
                }
            }
            return nil
        }
    }
}
