package import Diagnostics
package import Storage

/// A FAT16 or FAT32 file system, read and edited in user space over any block store.
///
/// Whatever goes wrong, a file has its old contents or its new ones: see ``FATEdit`` for the order of writes. All
/// writes are whole blocks of 4 KiB, so that a raw device can be the store.
package struct FATVolume: WritableFileTree {
    package enum Kind: String, Sendable { case fat16 = "FAT16", fat32 = "FAT32" }

    package let name: String
    let boot: BootSector
    private let store: any WritableBlockStore
    private let modified: FATTimestamp
    private(set) var table: FileAllocationTable
    /// Whether the chains of the volume were found sound, which the first edit makes sure of.
    private var isChecked = false
    /// Set when a write failed half-way and the table could not be read again: what is free is not known any more.
    private var isLost = false

    /// Opens the volume that fills `store`. `name` stands for it in messages; what is written gets the time `modified`.
    ///
    /// FAT12, exFAT and everything else is refused by name. A volume that was not unmounted cleanly can be read, but
    /// not changed.
    package init(_ store: any WritableBlockStore, name: String, modified: FATTimestamp) throws(Failure) {
        self.store = store
        self.name = name
        self.modified = modified
        boot = try BootSector(of: store)
        try boot.requireEditableKind(name: store.name)
        table = try FileAllocationTable(of: store, boot: boot)
    }

    package var kind: Kind { boot.kind == .fat16 ? .fat16 : .fat32 }

    /// In bytes.
    package var clusterSize: Int { boot.clusterSize }

    /// In bytes, in whole clusters.
    package var freeBytes: Int64 { Int64(table.freeCount) * Int64(boot.clusterSize) }

    /// The label of the root directory, or that of the boot sector when the root has none; "NO NAME" means no label.
    package var label: String? {
        let root = try? reader.directory(at: .root)
        guard let entry = root?.entries.first(where: \.isVolumeLabel) else { return boot.label }
        return ShortName.decodeLabel(entry.raw[0..<11])
    }

    /// The allocation tables and FSInfo.
    var tableRanges: ByteRanges {
        var ranges = ByteRanges([boot.fatStart..<(boot.fatStart + Int64(boot.fatCount) * boot.fatSize)])
        if let info = boot.fsInfo { ranges.insert(info..<(info + Int64(FSInfo.size))) }
        return ranges
    }

    var reader: FATReader { FATReader(name: name, boot: boot, store: store, table: table) }

    // MARK: Reading

    package func list(_ path: String) throws(Failure) -> [FileEntry]? {
        guard let place = try reader.find(directory: FATReader.components(path)) else { return nil }
        return try reader.directory(at: place).visible
            .map {
                FileEntry(name: $0.name, isDirectory: $0.isDirectory, size: $0.isDirectory ? 0 : Int64($0.fileSize))
            }
            .sorted { $0.name < $1.name }
    }

    package func read(_ path: String) throws(Failure) -> [UInt8]? {
        guard let entry = try find(path)?.entry, !entry.isDirectory else { return nil }
        return try reader.contents(of: entry)
    }

    private func find(_ path: String) throws(Failure) -> (entry: DirectoryEntry, directory: FATDirectory)? {
        let parts = FATReader.components(path)
        guard let last = parts.last, let place = try reader.find(directory: parts.dropLast()) else { return nil }
        let directory = try reader.directory(at: place)
        return directory.entry(last).map { ($0, directory) }
    }

    // MARK: Writing

    /// Creates or replaces the file at `path`. A file that has these contents already is left alone, with its time.
    package mutating func write(_ contents: [UInt8], to path: String) throws(Failure) {
        let parts = try LongName.checkedComponents(path)
        guard let file = parts.last else { throw Failure(.badFileName, "the path is empty") }
        guard contents.count <= Int(UInt32.max) else {
            throw Failure(.filesystemFull, "\(name): \(path) is too large for FAT, which ends at 4 GiB")
        }
        if let entry = try find(path)?.entry, !entry.isDirectory, Int(entry.fileSize) == contents.count,
            try reader.contents(of: entry) == contents
        {
            return
        }
        try checkEditable()
        var edit = FATEdit(of: reader, modified: modified)
        let freed = try edit.place(contents, named: file, in: parts.dropLast())
        try carryOut(edit, [.data, .tables, .directories])
        guard !freed.isEmpty else { return }
        // The old contents go only now, when nothing refers to them any more.
        var release = FATEdit(of: reader, modified: modified)
        release.free(freed)
        try carryOut(release, [.tables])
    }

    /// Makes the directory at `path`, and those above it; it is not an error if it exists already.
    package mutating func makeDirectory(_ path: String) throws(Failure) {
        let parts = try LongName.checkedComponents(path)
        guard try reader.find(directory: parts) == nil else { return }
        try checkEditable()
        var edit = FATEdit(of: reader, modified: modified)
        _ = try edit.makeDirectories(parts)
        try carryOut(edit, [.data, .tables, .directories])
    }

    /// Deletes the file or the empty directory at `path`; it is not an error if there is none.
    package mutating func remove(_ path: String) throws(Failure) {
        guard let (entry, directory) = try find(path) else { return }
        if entry.isDirectory, !(try reader.directory(at: reader.place(of: entry)).visible.isEmpty) {
            throw Failure(.badFileName, "\(name): the directory \(path) is not empty")
        }
        try checkEditable()
        var edit = FATEdit(of: reader, modified: modified)
        try edit.remove(entry, from: directory)
        try carryOut(edit, [.directories, .tables])
    }

    private mutating func carryOut(_ edit: FATEdit, _ phases: [FATEdit.Phase]) throws(Failure) {
        var edit = edit
        do throws(Failure) {
            try edit.commit(to: store, phases)
            table = edit.reader.table
        } catch {
            // Some of it may have reached the medium: only what can be read there counts from now on.
            isChecked = false
            do throws(Failure) { table = try FileAllocationTable(of: store, boot: boot) } catch { isLost = true }
            throw error
        }
    }

    private mutating func checkEditable() throws(Failure) {
        guard !table.isMarkedDirty, !boot.isMarkedDirty, !table.isMarkedFaulty else {
            throw Failure(
                .dirtyFilesystem, severity: .refused,
                "\(name) was not unmounted cleanly, so its free space cannot be trusted",
                hint: "repair it with `fsck.fat -a` on its partition, or write the card again")
        }
        guard !isLost else {
            throw Failure(.system, "\(name): an earlier write failed, and its allocation table cannot be read any more")
        }
        guard !isChecked else { return }
        let reachable: Int
        do throws(Failure) { reachable = try reader.checkSound() } catch {
            guard error.code == .damagedFilesystem else { throw error }
            throw Failure(
                error.code, severity: .refused, "\(name) cannot be edited: \(error.reason(in: name))",
                hint: "repair it with `fsck.fat -a` on its partition, or write the card again")
        }
        try table.adoptDifferences(in: store)
        try table.noteReachable(reachable, in: store)
        isChecked = true
    }
}
