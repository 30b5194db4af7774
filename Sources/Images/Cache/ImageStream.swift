package import Diagnostics
package import Filesystems
package import Storage
import SystemPackage

/// An image that can be read at once, from the cache or while it is unpacked into it.
///
/// Reads return bytes before the archive's checksum is known: ``finish()`` verifies it. The caller must end with
/// ``finish()`` or ``cancel()``: until then a thread may be working, and the file in the cache is incomplete.
package final class ImageStream: Sendable {
    private enum Source: Sendable {
        case cached(Image)
        case unpacking(GrowingFile, UnpackingWork)
    }

    /// A read waits until its bytes are unpacked, and throws if they cannot be.
    package let store: any BlockStore
    /// The last component of the source's path.
    package let sourceName: String
    private let source: Source

    /// The stream of a complete image.
    package init(_ image: Image) {
        store = image.store
        sourceName = image.sourceName
        source = .cached(image)
    }

    init(_ beginning: UnpackingBeginning, of path: FilePath, work: UnpackingWork) {
        store = GrowingStore(beginning.file, size: beginning.size, name: path.string)
        sourceName = path.lastComponent?.string ?? path.string
        source = .unpacking(beginning.file, work)
    }

    /// Whether the complete image was in the cache when the stream was opened.
    package var wasComplete: Bool {
        switch source {
        case .cached: true
        case .unpacking: false
        }
    }

    /// How many bytes, from the beginning on, can be read without waiting.
    package var available: Int64 {
        switch source {
        case .cached(let image): image.size
        case .unpacking(let file, _): file.count
        }
    }

    /// The complete image; nil while it is being unpacked, and if unpacking has failed.
    package var finished: Image? {
        switch source {
        case .cached(let image): image
        case .unpacking(_, let work): try? work.result?.get()
        }
    }

    /// Throws if unpacking has failed already.
    package func check() throws(Failure) {
        guard case .unpacking(let file, let work) = source else { return }
        if let failure = file.failure { throw failure }
        if case .failure(let failure) = work.result { throw failure }
    }

    /// Waits until the image is in the cache. If that fails, throws the reason and leaves nothing there.
    package func finish() throws(Failure) -> Image {
        switch source {
        case .cached(let image): image
        case .unpacking(_, let work): try work.wait().get()
        }
    }

    /// Stops unpacking, and waits until nothing of it is left. A complete image stays.
    package func cancel() {
        guard case .unpacking(_, let work) = source else { return }
        work.stop()
        _ = work.wait()
    }

    /// The partition table, read as soon as it and the beginning of every partition are unpacked.
    package func partitionTable() throws(Failure) -> PartitionTable {
        switch source {
        case .cached(let image): try image.partitionTable()
        case .unpacking(let file, _): try partitionTable(in: file)
        }
    }

    /// libblkid reads the file itself, and would take missing bytes for zeros. A table that it refuses is read again
    /// when the whole image is there (a GPT has a copy at the end), and so are logical partitions, whose records can be
    /// anywhere.
    private func partitionTable(in file: GrowingFile) throws(Failure) -> PartitionTable {
        var known = min(store.size, Image.signatures)
        while true {
            try file.wait(for: known)
            var needed = store.size
            do throws(Failure) {
                let table = try PartitionTable.read(file.enduringPath, name: FilePath(store.name))
                if try !hasExtendedPartition {
                    needed = table.partitions.map { min($0.range.lowerBound + Image.signatures, store.size) }.max() ?? 0
                }
                if needed <= known { return table }
            } catch {
                if known == store.size { throw error }
            }
            known = needed
        }
    }

    /// Whether the MBR has a partition that contains further ones: types 05, 0F and 85 of the four entries of 16 bytes
    /// at 446, each with its type at 4.
    private var hasExtendedPartition: Bool {
        get throws(Failure) {
            let entries = try store.bytes(at: 446, count: 64)
            return stride(from: 4, to: 64, by: 16).contains { [0x05, 0x0F, 0x85].contains(entries[$0]) }
        }
    }
}
