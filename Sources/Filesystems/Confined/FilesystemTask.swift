import Diagnostics
package import Host
import Storage
import SystemPackage

/// What a confined process does with partition tables and file systems: libblkid and libext2fs run there.
package enum FilesystemTask {
    enum Request: Int {
        case table, signature, open, entry, read, list, apply, freeSpace
    }

    /// The confined process's side.
    package static func run(_ worker: ConfinedWorker) {
        var volume: Ext4Volume?
        worker.run { (request: inout UnpackedValues, file: FileDescriptor?) throws(Failure) in
            defer { try? file?.close() }
            guard let kind = Request(rawValue: try request.number(Int.self)) else { throw UnpackedValues.malformed }
            var result = PackedValues()
            switch kind {
            case .table:
                guard let file else { throw UnpackedValues.malformed }
                result.add(try PartitionTable.read(file, path: FilePath(try request.text())))
            case .signature:
                guard let file else { throw UnpackedValues.malformed }
                let path = FilePath(try request.text())
                let range = try request.number(Int.self) == 0 ? nil : try request.range()
                result.add(try FilesystemSignature.probe(file, path: path, range: range))
            case .open:
                let (store, time) = try store(&request, worker)
                let opened = try Ext4Volume(store, name: store.name, time: time)
                volume = opened
                result.add(opened.freeBytes)
                result.add(opened.problem == nil ? 0 : 1)
                if let problem = opened.problem { result.add(problem) }
            case .apply:
                let (store, time) = try store(&request, worker)
                var changes: [TreeChange] = []
                for _ in 0..<(try request.count(ofAtLeast: 40)) { changes.append(try request.change()) }
                let paths = try Ext4Volume.apply(changes, to: store, name: store.name, time: time)
                result.add(paths.count)
                for path in paths { result.add(path) }
            case .freeSpace:
                let (store, _) = try store(&request, worker)
                result.add(try Ext4FreeSpace(of: store).ranges)
            case .entry, .read, .list:
                guard let volume else { throw UnpackedValues.malformed }
                let path = try request.text()
                switch kind {
                case .entry: result.add(try volume.entry(at: path))
                case .read:
                    let contents = try volume.read(path)
                    result.add(contents == nil ? 0 : 1)
                    if let contents { result.add(contents) }
                default:
                    let names = try volume.list(path)
                    result.add(names?.count ?? -1)
                    for name in names ?? [] { result.add(name) }
                }
            }
            return result
        }
    }

    private static func store(
        _ request: inout UnpackedValues, _ worker: ConfinedWorker
    ) throws(Failure) -> (ConfinedStore, time: Int64) {
        let size = try request.number(Int64.self)
        let name = try request.text()
        return (ConfinedStore(size: size, name: name, worker: worker), try request.number(Int64.self))
    }

    // MARK: The caller's side

    static func request(_ kind: Request) -> PackedValues {
        var values = PackedValues()
        values.add(kind.rawValue)
        return values
    }

    static func request(_ kind: Request, on store: any BlockStore, name: String, time: Int64) -> PackedValues {
        var values = request(kind)
        values.add(store.size)
        values.add(name)
        values.add(time)
        return values
    }

    static func table(_ file: FileDescriptor, path: FilePath) throws(Failure) -> PartitionTable {
        var values = request(.table)
        values.add(path.string)
        var result = try ConfinedProcess(.filesystem).call(values, passing: file)
        return try result.table()
    }

    static func signature(
        _ file: FileDescriptor, path: FilePath, range: Range<Int64>?
    ) throws(Failure) -> FilesystemSignature? {
        var values = request(.signature)
        values.add(path.string)
        values.add(range == nil ? 0 : 1)
        if let range { values.add(range) }
        var result = try ConfinedProcess(.filesystem).call(values, passing: file)
        return try result.signature()
    }

    /// The free bytes of the ext2, ext3 or ext4 file system that fills `store`.
    static func freeSpace(of store: any BlockStore) throws(Failure) -> ByteRanges {
        guard Confinement.isUsed else { return try Ext4FreeSpace(of: store).ranges }
        var result = try ConfinedProcess(.filesystem).call(
            request(.freeSpace, on: store, name: store.name, time: 1)
        ) { (question) throws(Failure) in
            try ConfinedStore.answer(question, from: store)
        }
        return try result.ranges()
    }
}
