public import Diagnostics
public import Storage

/// A FAT16 or FAT32 file system, read and edited in user space over any block store.
///
/// Every change is first made in memory, so that one that cannot be finished (a full volume, a name FAT cannot hold)
/// leaves the volume as it was, and then written in the order of ``commit(_:order:)``.
public struct FATVolume: WritableFileTree {
    public enum Kind: String, Sendable { case fat16 = "FAT16", fat32 = "FAT32" }

    public let name: String
    let boot: BootSector
    private let store: any WritableBlockStore
    private let modified: FATTimestamp
    private var table: FileAllocationTable

    /// Opens the volume that fills `store`. `name` stands for it in messages; what is written gets the time `modified`.
    ///
    /// FAT12, exFAT and everything else is refused by name.
    public init(_ store: any WritableBlockStore, name: String, modified: FATTimestamp) throws(Failure) {
        self.store = store
        self.name = name
        self.modified = modified
        boot = try BootSector(of: store)
        table = try FileAllocationTable(of: store, boot: boot)
    }

    public var kind: Kind { boot.kind == .fat16 ? .fat16 : .fat32 }

    /// In bytes.
    public var clusterSize: Int { boot.clusterSize }

    /// In bytes, in whole clusters.
    public var freeBytes: Int64 { Int64(table.freeCount) * Int64(boot.clusterSize) }

    public var label: String? {
        let root = try? readDirectory(.root)
        let entry = root?.entries.first { $0.isVolumeLabel }
        return entry.map { ShortName.decodeOEM($0.raw[0..<11]).trimmingBlanks } ?? boot.label
    }

    // MARK: Reading

    public func list(_ path: String) throws(Failure) -> [FileEntry]? {
        guard let directory = try find(directory: Self.components(path)) else { return nil }
        return try readDirectory(directory).visible
            .map {
                FileEntry(name: $0.name, isDirectory: $0.isDirectory, size: $0.isDirectory ? 0 : Int64($0.fileSize))
            }
            .sorted { $0.name < $1.name }
    }

    public func read(_ path: String) throws(Failure) -> [UInt8]? {
        let parts = Self.components(path)
        guard let last = parts.last, let directory = try find(directory: parts.dropLast()),
            let entry = try readDirectory(directory).entry(last), !entry.isDirectory
        else { return nil }
        return try contents(of: entry)
    }

    private func contents(of entry: DirectoryEntry) throws(Failure) -> [UInt8] {
        let size = Int(entry.fileSize)
        guard size > 0 else { return [] }
        let chain = try table.chain(from: entry.firstCluster)
        guard chain.count * boot.clusterSize >= size else {
            throw Failure(
                .damagedFilesystem, "\(name): \(entry.name) is longer than its clusters",
                hint: "repair it with `fsck.fat -a`, or write the card anew")
        }
        return Array(try bytes(of: chain).prefix(size))
    }

    private func bytes(of chain: [UInt32]) throws(Failure) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(chain.count * boot.clusterSize)
        for cluster in chain { result += try store.bytes(at: offset(of: cluster), count: boot.clusterSize) }
        return result
    }

    private func offset(of cluster: UInt32) -> Int64 {
        boot.dataStart + (Int64(cluster) - 2) * Int64(boot.clusterSize)
    }

    // MARK: Directories

    /// Where a directory's entries are.
    private enum Place: Hashable {
        case root
        case cluster(UInt32)
    }

    private struct Directory {
        let place: Place
        /// The clusters it fills; none for FAT16's root.
        let chain: [UInt32]
        let bytes: [UInt8]
        let entries: [DirectoryEntry]

        var visible: [DirectoryEntry] { entries.filter { !$0.isVolumeLabel && !$0.isDots } }

        func entry(_ name: String) -> DirectoryEntry? { visible.first { $0.answers(to: name) } }

        func raw(_ slot: Int) -> [UInt8] {
            Array(bytes[(slot * DirectoryEntry.size)..<((slot + 1) * DirectoryEntry.size)])
        }
    }

    private func readDirectory(_ place: Place) throws(Failure) -> Directory {
        var chain: [UInt32] = []
        let bytes: [UInt8]
        switch place {
        case .root where boot.kind == .fat16:
            bytes = try store.bytes(at: boot.rootRegion.lowerBound, count: boot.rootRegion.count)
        case .root:
            chain = try table.chain(from: boot.rootCluster)
            bytes = try self.bytes(of: chain)
        case .cluster(let first):
            chain = try table.chain(from: first)
            bytes = try self.bytes(of: chain)
        }
        return Directory(place: place, chain: chain, bytes: bytes, entries: DirectoryEntry.parse(bytes))
    }

    private static func components(_ path: String) -> ArraySlice<String> {
        path.split(separator: "/").map(String.init)[...]
    }

    private func find(directory parts: ArraySlice<String>) throws(Failure) -> Place? {
        var place = Place.root
        for part in parts {
            guard let entry = try readDirectory(place).entry(part), entry.isDirectory else { return nil }
            place = .cluster(entry.firstCluster)
        }
        return place
    }

    // MARK: Writing

    public mutating func write(_ contents: [UInt8], to path: String) throws(Failure) {
        try checkEditable()
        let parts = Self.components(path)
        guard let last = parts.last else { throw Failure(.badFileName, "an empty path names no file") }
        for part in parts { try LongName.check(part) }
        guard contents.count <= Int(UInt32.max) else {
            throw Failure(.filesystemFull, "\(name): \(path) is too large for FAT, which ends at 4 GiB")
        }
        if try read(path) == contents { return }

        let before = table
        do throws(Failure) {
            let staged = Overlay(over: store)
            var edit = FATVolume(editing: self, on: staged)
            let freed = try edit.place(contents, named: last, in: parts.dropLast())
            try edit.table.flush(to: staged)
            try commit(staged, order: .dataFirst)
            table = edit.table
            guard !freed.isEmpty else { return }
            // The old contents go only now, when nothing refers to them any more.
            let release = Overlay(over: store)
            table.free(freed)
            try table.flush(to: release)
            try commit(release, order: .dataFirst)
        } catch {
            table = before
            throw error
        }
    }

    /// Makes the directory at `path`, and those above it; it is no error when it is there already.
    public mutating func makeDirectory(_ path: String) throws(Failure) {
        try checkEditable()
        let parts = Self.components(path)
        for part in parts { try LongName.check(part) }
        guard try find(directory: parts) == nil else { return }
        let staged = Overlay(over: store)
        var edit = FATVolume(editing: self, on: staged)
        _ = try edit.makeDirectories(parts)
        try edit.table.flush(to: staged)
        try commit(staged, order: .dataFirst)
        table = edit.table
    }

    public mutating func remove(_ path: String) throws(Failure) {
        try checkEditable()
        let parts = Self.components(path)
        guard let last = parts.last, let place = try find(directory: parts.dropLast()) else { return }
        let directory = try readDirectory(place)
        guard let entry = directory.entry(last) else { return }
        if entry.isDirectory, !(try readDirectory(.cluster(entry.firstCluster)).visible.isEmpty) {
            throw Failure(.badFileName, "\(name): the directory \(path) is not empty")
        }
        let staged = Overlay(over: store)
        var edit = FATVolume(editing: self, on: staged)
        for slot in entry.slots { try edit.write(slots: [[0xE5] + directory.raw(slot)[1...]], at: slot, of: directory) }
        if entry.firstCluster != 0 { edit.table.free(try table.chain(from: entry.firstCluster)) }
        try edit.table.flush(to: staged)
        try commit(staged, order: .directoriesFirst)
        table = edit.table
    }

    private init(editing volume: FATVolume, on staged: Overlay) {
        self.init(
            name: volume.name, boot: volume.boot, store: staged, modified: volume.modified, table: volume.table)
    }

    private init(
        name: String, boot: BootSector, store: any WritableBlockStore, modified: FATTimestamp,
        table: FileAllocationTable
    ) {
        self.name = name
        self.boot = boot
        self.store = store
        self.modified = modified
        self.table = table
    }

    private func checkEditable() throws(Failure) {
        guard !table.isMarkedDirty, !boot.isMarkedDirty else {
            throw Failure(
                .dirtyFilesystem, severity: .refused,
                "\(name) was not unmounted cleanly, so its free space cannot be trusted",
                hint: "repair it with `fsck.fat -a` on its partition, or write the card anew")
        }
    }

    /// Puts a file into place and returns the clusters of what it replaced, which are still allocated.
    private mutating func place(_ contents: [UInt8], named file: String, in parents: ArraySlice<String>) throws(Failure)
        -> [UInt32]
    {
        let place = try makeDirectories(parents)
        let directory = try readDirectory(place)
        let old = directory.entry(file)
        guard old?.isDirectory != true else {
            throw Failure(.badFileName, "\(name): \(file) is a directory")
        }
        let chain = try store(contents)
        let size = UInt32(contents.count)
        if let old {
            let entry = DirectoryEntry.update(
                old.raw, cluster: chain.first ?? 0, size: size, modified: modified)
            try write(slots: [entry], at: old.slots.upperBound - 1, of: directory)
            return old.firstCluster == 0 ? [] : try table.chain(from: old.firstCluster)
        }
        try add(
            file, attributes: DirectoryEntry.Attribute.archive, cluster: chain.first ?? 0, size: size, to: directory)
        return []
    }

    private mutating func makeDirectories(_ parts: ArraySlice<String>) throws(Failure) -> Place {
        var place = Place.root
        for part in parts {
            let directory = try readDirectory(place)
            if let entry = directory.entry(part) {
                guard entry.isDirectory else {
                    throw Failure(.badFileName, "\(name): \(part) is a file, not a directory")
                }
                place = .cluster(entry.firstCluster)
                continue
            }
            let cluster = try table.allocate(1)[0]
            var bytes = [UInt8](repeating: 0, count: boot.clusterSize)
            let parent: UInt32 = if case .cluster(let number) = place { number } else { 0 }
            for (index, (dots, target)) in [(".", cluster), ("..", parent)].enumerated() {
                let short = ShortName(bytes: Array(dots.utf8) + [UInt8](repeating: 0x20, count: 11 - dots.utf8.count))
                bytes.replaceSubrange(
                    (index * 32)..<(index * 32 + 32),
                    with: DirectoryEntry.make(
                        short, attributes: DirectoryEntry.Attribute.directory, cluster: target, size: 0,
                        modified: modified))
            }
            try store.write(bytes, at: offset(of: cluster))
            try add(part, attributes: DirectoryEntry.Attribute.directory, cluster: cluster, size: 0, to: directory)
            place = .cluster(cluster)
        }
        return place
    }

    /// Writes `contents` to newly allocated clusters; the rest of the last one becomes zero.
    private mutating func store(_ contents: [UInt8]) throws(Failure) -> [UInt32] {
        let chain = try table.allocate((contents.count + boot.clusterSize - 1) / boot.clusterSize)
        for (index, cluster) in chain.enumerated() {
            let start = index * boot.clusterSize
            var part = Array(contents[start..<min(start + boot.clusterSize, contents.count)])
            part += [UInt8](repeating: 0, count: boot.clusterSize - part.count)
            try store.write(part, at: offset(of: cluster))
        }
        return chain
    }

    private mutating func add(
        _ file: String, attributes: UInt8, cluster: UInt32, size: UInt32, to directory: Directory
    ) throws(Failure) {
        let taken = Set(directory.entries.map(\.shortName))
        var slots: [[UInt8]] = []
        let short: ShortName
        if let exact = ShortName(exactly: file), !taken.contains(exact) {
            short = exact
            // Lower-case letters need a long name, which every system shows as it is written.
            if exact.text() != file { slots = LongName.entries(for: file, checksum: short.checksum) }
        } else {
            guard let numbered = ShortName(for: file, avoiding: taken) else {
                throw Failure(.filesystemFull, "\(name): no short name is left for \(file)")
            }
            short = numbered
            slots = LongName.entries(for: file, checksum: short.checksum)
        }
        slots.append(
            DirectoryEntry.make(short, attributes: attributes, cluster: cluster, size: size, modified: modified))
        let (start, grown) = try room(for: slots.count, in: directory)
        try write(slots: slots, at: start, of: grown)
    }

    /// The first of `count` free slots in a row; the directory grows by clusters when there are none.
    private mutating func room(for count: Int, in directory: Directory) throws(Failure) -> (Int, Directory) {
        var length = 0
        var atEnd = false
        let total = directory.bytes.count / DirectoryEntry.size
        for slot in 0..<total {
            let first = directory.bytes[slot * DirectoryEntry.size]
            atEnd = atEnd || first == 0x00
            length = atEnd || first == 0xE5 ? length + 1 : 0
            if length == count { return (slot - count + 1, directory) }
        }
        guard let last = directory.chain.last else {
            throw Failure(
                .filesystemFull, "\(name): its root directory is full",
                hint: "FAT16 holds a fixed number of names in the root: remove files from the image's boot partition")
        }
        let perCluster = boot.clusterSize / DirectoryEntry.size
        let more = try table.allocate((count - length + perCluster - 1) / perCluster)
        table.link(last, to: more[0])
        let empty = [UInt8](repeating: 0, count: boot.clusterSize)
        for cluster in more { try store.write(empty, at: offset(of: cluster)) }
        return (total - length, try readDirectory(directory.place))
    }

    private func write(slots: [[UInt8]], at first: Int, of directory: Directory) throws(Failure) {
        for (index, slot) in slots.enumerated() {
            let position = (first + index) * DirectoryEntry.size
            let target =
                directory.chain.isEmpty
                ? boot.rootRegion.lowerBound + Int64(position)
                : offset(of: directory.chain[position / boot.clusterSize]) + Int64(position % boot.clusterSize)
            try store.write(slot, at: target)
        }
    }

    // MARK: Order

    private enum Order { case dataFirst, directoriesFirst }

    /// Writes staged changes to the store so that a power cut in between costs no file: new data, the tables that
    /// chain it, then the directories that name it; when something goes away, directories first.
    private func commit(_ staged: Overlay, order: Order) throws(Failure) {
        let tables = tableRanges
        let directories = try FATVolume(editing: self, on: staged, rereading: true).directoryRanges()
        let phases = order == .dataFirst ? [tables, directories] : [directories, tables]
        try staged.commit(to: store, phases: phases)
    }

    private init(editing volume: FATVolume, on staged: Overlay, rereading: Bool) throws(Failure) {
        self.init(
            name: volume.name, boot: volume.boot, store: staged, modified: volume.modified,
            table: rereading ? try FileAllocationTable(of: staged, boot: volume.boot) : volume.table)
    }

    private var tableRanges: ByteRanges {
        var ranges = ByteRanges([boot.fatStart..<(boot.fatStart + Int64(boot.fatCount) * boot.fatSize)])
        if let info = boot.fsInfo { ranges.insert(info..<(info + 512)) }
        return ranges
    }

    /// The bytes of the volume that make its files visible: allocation tables, FSInfo and directories. Who commits an
    /// overlay over this volume writes them last.
    public var visibleRanges: ByteRanges {
        get throws(Failure) { try tableRanges.union(directoryRanges()) }
    }

    private func directoryRanges() throws(Failure) -> ByteRanges {
        var ranges = ByteRanges([boot.rootRegion])
        var open: [Place] = [.root]
        var seen: Set<Place> = [.root]
        while let place = open.popLast() {
            let directory = try readDirectory(place)
            for cluster in directory.chain {
                ranges.insert(offset(of: cluster)..<(offset(of: cluster) + Int64(boot.clusterSize)))
            }
            for entry in directory.visible where entry.isDirectory {
                let child = Place.cluster(entry.firstCluster)
                if seen.insert(child).inserted { open.append(child) }
            }
        }
        return ranges
    }
}
