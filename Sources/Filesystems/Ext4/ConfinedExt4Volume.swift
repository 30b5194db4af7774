package import Diagnostics
import Host
package import Storage

/// An ``Ext4Volume`` in a confined process.
package final class ConfinedExt4Volume: RootFilesystem {
    package static var types: Set<String> { Ext4Volume.types }

    package let name: String
    package let problem: Failure?
    package let freeBytes: Int64
    private let store: any BlockStore
    private let process: ConfinedProcess

    package init(_ store: any BlockStore, name: String, time: Int64) throws(Failure) {
        self.store = store
        self.name = name
        process = try ConfinedProcess(.filesystem)
        var result = try process.call(FilesystemRequest.open.values(on: store, name: name, time: time)) {
            (question) throws(Failure) in
            try ConfinedStore.answer(question, from: store)
        }
        freeBytes = try result.number(Int64.self)
        problem = try result.number(Int.self) == 0 ? nil : try result.failure()
    }

    private func ask(_ request: FilesystemRequest, _ path: String) throws(Failure) -> UnpackedValues {
        var values = request.values
        values.add(path)
        return try process.call(values) { (question) throws(Failure) in
            try ConfinedStore.answer(question, from: store)
        }
    }

    package func entry(at path: String) throws(Failure) -> TreeEntry? {
        var result = try ask(.entry, path)
        return try result.entry()
    }

    package func read(_ path: String) throws(Failure) -> [UInt8]? {
        var result = try ask(.read, path)
        return try result.number(Int.self) == 0 ? nil : try result.contents()
    }

    package func list(_ path: String) throws(Failure) -> [String]? {
        var result = try ask(.list, path)
        let count = try result.number(Int.self)
        guard count >= 0 else { return nil }
        var names: [String] = []
        for _ in 0..<count { names.append(try result.text()) }
        return names
    }

    package static func apply(
        _ changes: [TreeChange], to store: any WritableBlockStore, name: String, time: Int64
    ) throws(Failure) -> [String] {
        var values = FilesystemRequest.apply.values(on: store, name: name, time: time)
        values.add(changes.count)
        for change in changes { values.add(change) }
        var result = try ConfinedProcess(.filesystem).call(values) { (question) throws(Failure) in
            try ConfinedStore.answer(question, from: store, to: store)
        }
        var paths: [String] = []
        for _ in 0..<(try result.count(ofAtLeast: 8)) { paths.append(try result.text()) }
        return paths
    }

    /// ``Ext4Volume``'s asks a confined process for what libext2fs reads.
    package static func writes(
        carrying overlay: Overlay, volumeAt range: Range<Int64>, to medium: some BlockStore
    ) throws(Failure) -> OrderedWrites? {
        try Ext4Volume.writes(carrying: overlay, volumeAt: range, to: medium)
    }

    package static func recovery(
        of medium: some BlockStore, volumeAt range: Range<Int64>
    ) throws(Failure) -> OrderedWrites? {
        try Ext4Volume.recovery(of: medium, volumeAt: range)
    }
}
