import Diagnostics
package import Host
import Storage
import SystemPackage

/// What a confined process does with partition tables and file systems: libblkid and libext2fs run there.
package enum FilesystemTask {
    /// The confined process's side.
    package static func run(_ worker: ConfinedWorker) {
        var volume: Ext4Volume?
        worker.run { (request: inout UnpackedValues, file: FileDescriptor?) throws(Failure) in
            defer { try? file?.close() }
            guard let kind = FilesystemRequest(rawValue: try request.number(Int.self)) else {
                throw UnpackedValues.malformed
            }
            var result = PackedValues()
            switch kind {
            case .table:
                guard let file else { throw UnpackedValues.malformed }
                result.add(try PartitionTable.read(file, path: FilePath(try request.text())))
            case .identify:
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
            case .journal:
                let (store, time) = try store(&request, worker)
                let runs = try Ext4Handle(Ext4Channel(reading: store, name: store.name), time: time).journalRuns()
                result.add(runs.count)
                for run in runs { result.add(run) }
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
}
