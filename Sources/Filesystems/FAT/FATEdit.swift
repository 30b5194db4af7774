import Diagnostics
import Storage

/// One change to a FAT volume: made in memory first, so that a change that cannot be finished (a full volume, no short
/// name left) writes nothing, then carried out in steps that each leave a volume whose files can be read.
///
/// A new or changed file:
///  1. data: the contents, and directories that are new themselves, all in clusters that were free;
///  2. tables: the chains of those clusters, in every copy, and FSInfo;
///  3. directories: the entries that make them visible, in directories that were there before;
///  4. the old contents' chain, to which nothing points any more, is freed by a separate edit.
///
/// A removal takes 3 and 2, in that order. After each step the medium has what was written; power that fails in between
/// costs at most clusters that no file owns, which `fsck.fat` finds.
struct FATEdit {
    enum Phase { case data, tables, directories }

    private(set) var reader: FATReader
    /// The volume as it will be, for the directories that are read again while they are changed.
    private let staged: Overlay
    private let modified: FATTimestamp
    private var dataWrites: [(offset: Int64, bytes: [UInt8])] = []
    private var directoryWrites: [(offset: Int64, bytes: [UInt8])] = []
    /// Directories that this edit makes: nothing on the medium points to them before its last step.
    private var newDirectories: Set<FATDirectory.Place> = []

    private var boot: BootSector { reader.boot }

    init(of reader: FATReader, modified: FATTimestamp) {
        staged = Overlay(over: reader.store)
        self.reader = FATReader(name: reader.name, boot: reader.boot, store: staged, table: reader.table)
        self.modified = modified
    }

    /// Carries the edit out, one phase after the other, each on the medium before the next begins.
    mutating func commit(to store: any WritableBlockStore, _ phases: [Phase]) throws(Failure) {
        for phase in phases {
            // Blocks are read again for each phase: what two phases write may lie in one block.
            let overlay = Overlay(over: store)
            switch phase {
            case .data: for write in dataWrites { try overlay.write(write.bytes, at: write.offset) }
            case .tables: try reader.table.flush(to: overlay)
            case .directories: for write in directoryWrites { try overlay.write(write.bytes, at: write.offset) }
            }
            try overlay.commit(to: store)
        }
    }

    // MARK: Files

    /// Puts a file into place and returns the clusters of what it replaced, which are still allocated.
    mutating func place(_ contents: [UInt8], named file: String, in parents: ArraySlice<String>) throws(Failure)
        -> [UInt32]
    {
        let place = try makeDirectories(parents)
        let directory = try reader.directory(at: place)
        let old = directory.entry(file)
        guard old?.isDirectory != true else {
            throw Failure(.badFileName, "\(reader.name): \(file) is a directory, not a file")
        }
        let first = try store(contents).first ?? 0
        let size = UInt32(contents.count)
        if let old {
            let freed = try reader.chain(of: old)
            let entry = DirectoryEntry.update(old.raw, cluster: first, size: size, modified: modified)
            try write(slots: [entry], at: old.slots.upperBound - 1, of: directory)
            return freed
        }
        try add(file, attributes: DirectoryEntry.Attribute.archive, cluster: first, size: size, to: directory)
        return []
    }

    /// Takes a name out of its directory and frees what it had.
    mutating func remove(_ entry: DirectoryEntry, from directory: FATDirectory) throws(Failure) {
        let chain = try reader.chain(of: entry)
        let slots = entry.slots.map { [DirectoryEntry.Mark.deleted] + directory.slot($0)[1...] }
        try write(slots: slots, at: entry.slots.lowerBound, of: directory)
        free(chain)
    }

    mutating func free(_ chain: [UInt32]) { reader.table.free(chain) }

    /// Writes `contents` to newly allocated clusters; the rest of the last one becomes zero.
    private mutating func store(_ contents: [UInt8]) throws(Failure) -> [UInt32] {
        let chain = try reader.table.allocate((contents.count + boot.clusterSize - 1) / boot.clusterSize)
        var start = 0
        for run in reader.runs(of: chain) {
            let end = min(start + run.count, contents.count)
            var part = Array(contents[start..<end])
            part += [UInt8](repeating: 0, count: run.count - part.count)
            dataWrites.append((run.lowerBound, part))
            start = end
        }
        return chain
    }

    // MARK: Directories

    /// Finds the directory at `parts`; those that are missing are made.
    mutating func makeDirectories(_ parts: ArraySlice<String>) throws(Failure) -> FATDirectory.Place {
        var place = FATDirectory.Place.root
        for part in parts {
            let directory = try reader.directory(at: place)
            if let entry = directory.entry(part) {
                guard entry.isDirectory else {
                    throw Failure(.badFileName, "\(reader.name): \(part) is a file, not a directory")
                }
                place = reader.place(of: entry)
            } else {
                place = try makeDirectory(part, in: directory)
            }
        }
        return place
    }

    private mutating func makeDirectory(_ name: String, in directory: FATDirectory) throws(Failure)
        -> FATDirectory.Place
    {
        let attributes = DirectoryEntry.Attribute.directory
        let cluster = try reader.table.allocate(1)[0]
        // ".." names the root as cluster 0, also on FAT32 (specification, "FAT Directory Structure").
        let parent: UInt32 = if case .cluster(let number) = directory.place { number } else { 0 }
        var bytes = [UInt8](repeating: 0, count: boot.clusterSize)
        for (index, (dots, target)) in [(".", cluster), ("..", parent)].enumerated() {
            let entry = DirectoryEntry.make(
                ShortName(dots: dots), attributes: attributes, cluster: target, size: 0, modified: modified)
            bytes.replaceSubrange((index * DirectorySlot.size)..<((index + 1) * DirectorySlot.size), with: entry)
        }
        newDirectories.insert(.cluster(cluster))
        try stage(bytes, at: reader.range(of: cluster).lowerBound, isVisible: false)
        try add(name, attributes: attributes, cluster: cluster, size: 0, to: directory)
        return .cluster(cluster)
    }

    private mutating func add(
        _ name: String, attributes: UInt8, cluster: UInt32, size: UInt32, to directory: FATDirectory
    ) throws(Failure) {
        let taken = Set(directory.entries.lazy.filter { !$0.isVolumeLabel }.map(\.shortName))
        var slots: [[UInt8]] = []
        let short: ShortName
        if let exact = ShortName(exactly: name), !taken.contains(exact) {
            short = exact
            // Lower-case letters need a long name, which every system shows as it is written.
            if exact.text() != name { slots = LongName.entries(for: name, checksum: short.checksum) }
        } else {
            guard let numbered = ShortName(for: name, avoiding: taken) else {
                throw Failure(.filesystemFull, "\(reader.name): no short name is left for \(name)")
            }
            short = numbered
            slots = LongName.entries(for: name, checksum: short.checksum)
        }
        slots.append(
            DirectoryEntry.make(short, attributes: attributes, cluster: cluster, size: size, modified: modified))

        let room = directory.room(for: slots.count)
        let grown = room.missing > 0 ? try grow(directory, by: room.missing) : directory
        if let end = room.newEnd {
            try write(slots: [[UInt8](repeating: 0, count: DirectorySlot.size)], at: end, of: grown)
        }
        try write(slots: slots, at: room.start, of: grown)
    }

    private mutating func grow(_ directory: FATDirectory, by slots: Int) throws(Failure) -> FATDirectory {
        guard let last = directory.chain.last else {
            throw Failure(
                .filesystemFull, "\(reader.name): its root directory is full",
                hint: "FAT16 holds a fixed number of names in the root: remove files from the image's boot partition")
        }
        let perCluster = boot.clusterSize / DirectorySlot.size
        let count = (slots + perCluster - 1) / perCluster
        guard directory.slotCount + count * perCluster <= FATDirectory.largestSlotCount else {
            throw Failure(
                .filesystemFull, "\(reader.name): a directory is full",
                hint: "FAT holds \(FATDirectory.largestSlotCount) entries in a directory: use more directories")
        }
        let more = try reader.table.allocate(count)
        reader.table.link(last, to: more[0])
        // Zeros first: the clusters belong to the directory as soon as the tables say so.
        for run in reader.runs(of: more) {
            try stage([UInt8](repeating: 0, count: run.count), at: run.lowerBound, isVisible: false)
        }
        return try reader.directory(at: directory.place)
    }

    private mutating func write(slots: [[UInt8]], at first: Int, of directory: FATDirectory) throws(Failure) {
        for (index, slot) in slots.enumerated() {
            let position = (first + index) * DirectorySlot.size
            let target =
                directory.chain.isEmpty
                ? boot.rootRegion.lowerBound + Int64(position)
                : reader.range(of: directory.chain[position / boot.clusterSize]).lowerBound
                    + Int64(position % boot.clusterSize)
            try stage(slot, at: target, isVisible: !newDirectories.contains(directory.place))
        }
    }

    private mutating func stage(_ bytes: [UInt8], at offset: Int64, isVisible: Bool) throws(Failure) {
        try staged.write(bytes, at: offset)
        if isVisible { directoryWrites.append((offset, bytes)) } else { dataWrites.append((offset, bytes)) }
    }
}
