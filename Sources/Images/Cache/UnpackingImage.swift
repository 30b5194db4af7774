package import Diagnostics
package import Filesystems
package import Storage
import SystemPackage

/// An image that is being unpacked into the cache, to be read meanwhile.
///
/// What is read is what the archive held, but whether the archive is whole shows at its end: ``finish()`` tells. Whoever has
/// one calls ``finish()`` or ``cancel()``: until then a thread works, and the cache's file is not complete.
package final class UnpackingImage: Sendable {
    /// In bytes, from the beginning of a partition: all that libblkid looks at to tell what is there.
    private static let signatures: Int64 = 16 << 20

    /// A read waits until its bytes are unpacked, and throws what keeps them from it.
    package let store: any BlockStore
    /// The last component of the source's path.
    package let sourceName: String
    private let file: GrowingFile
    private let work: UnpackingWork

    init(_ beginning: UnpackingBeginning, of source: FilePath, work: UnpackingWork) {
        store = GrowingStore(beginning.file, size: beginning.size, name: source.string)
        sourceName = source.lastComponent?.string ?? source.string
        file = beginning.file
        self.work = work
    }

    /// How many bytes, from the beginning on, can be read without waiting.
    package var available: Int64 { file.count }

    /// The image in the cache, once it is there.
    package var finished: BaseImage? { try? work.result?.get() }

    /// Throws when it is known already that the image will not be finished.
    package func check() throws(Failure) {
        if let failure = file.failure { throw failure }
        if case .failure(let failure) = work.result { throw failure }
    }

    /// Waits until the image is in the cache. Throws what keeps it out; then nothing of it is left there.
    package func finish() throws(Failure) -> BaseImage { try work.wait().get() }

    /// Stops unpacking, and waits until nothing is left of it. Nothing when the image is finished.
    package func cancel() {
        work.stop()
        _ = work.wait()
    }

    /// Reads the partition table as soon as it is there, with the beginning of every partition.
    ///
    /// libblkid reads the file itself, and would take what is missing for zeros. What it refuses is judged again when the
    /// whole image is there (a GPT has a copy at the end), and so are logical partitions, whose records are anywhere.
    package func partitionTable() throws(Failure) -> PartitionTable {
        var known = min(store.size, Self.signatures)
        while true {
            try file.wait(for: known)
            var needed = store.size
            do throws(Failure) {
                let table = try PartitionTable.read(file.enduringPath, name: FilePath(store.name))
                if try !hasExtendedPartition {
                    needed = table.partitions.map { min($0.range.lowerBound + Self.signatures, store.size) }.max() ?? 0
                }
                if needed <= known { return table }
            } catch {
                if known == store.size { throw error }
            }
            known = needed
        }
    }

    /// Whether the MBR names a partition that holds further ones: types 05, 0F and 85 of the four entries of 16 bytes at
    /// 446, each with its type at 4.
    private var hasExtendedPartition: Bool {
        get throws(Failure) {
            let entries = try store.bytes(at: 446, count: 64)
            return stride(from: 4, to: 64, by: 16).contains { [0x05, 0x0F, 0x85].contains(entries[$0]) }
        }
    }
}

/// An image to plan and write a card from.
package enum OpenedImage: Sendable {
    case unpacked(BaseImage)
    case unpacking(UnpackingImage)

    /// The unpacked image in the cache, once it is there.
    package var base: BaseImage? {
        switch self {
        case .unpacked(let image): image
        case .unpacking(let image): image.finished
        }
    }

    package var store: any BlockStore {
        switch self {
        case .unpacked(let image): image.store
        case .unpacking(let image): image.store
        }
    }

    package var sourceName: String {
        switch self {
        case .unpacked(let image): image.sourceName
        case .unpacking(let image): image.sourceName
        }
    }

    package func partitionTable() throws(Failure) -> PartitionTable {
        switch self {
        case .unpacked(let image): try PartitionTable.read(image.path)
        case .unpacking(let image): try image.partitionTable()
        }
    }

    /// Throws when it is known already that the image will not be finished.
    package func check() throws(Failure) {
        if case .unpacking(let image) = self { try image.check() }
    }

    /// Stops unpacking, and waits until nothing is left of it. An image that is finished stays.
    package func cancel() {
        if case .unpacking(let image) = self { image.cancel() }
    }
}
