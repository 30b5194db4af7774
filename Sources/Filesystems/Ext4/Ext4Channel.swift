import CExt2fs
import Diagnostics
import Storage
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A block store as libext2fs sees it: the state behind one `io_channel`.
///
/// libext2fs reads and writes through a table of C functions (struct_io_manager, lib/ext2fs/ext2_io.h of e2fsprogs).
/// They cannot capture, so each finds its channel in `private_data`. What the store throws is kept here, because C can
/// only carry a number: ``takeFailure()`` gives back the store's own failure.
final class Ext4Channel: Sendable {
    let name: String
    private let store: any BlockStore
    /// Nil when the file system is only read.
    private let target: (any WritableBlockStore)?
    private let failure = Mutex<Failure?>(nil)

    init(reading store: any BlockStore, name: String) {
        self.name = name
        self.store = store
        target = nil
    }

    init(writing store: any WritableBlockStore, name: String) {
        self.name = name
        self.store = store
        target = store
    }

    var isWritable: Bool { target != nil }

    /// What the store threw first since the last call, if anything.
    func takeFailure() -> Failure? {
        failure.withLock { kept in
            defer { kept = nil }
            return kept
        }
    }

    var hasFailure: Bool { failure.withLock { $0 != nil } }

    // MARK: Registration

    /// `open` of an io_manager gets only a name: these are the channels that are being opened, by name.
    private static let opening = Mutex<[String: Ext4Channel]>([:])

    /// Runs `body` with the name under which libext2fs can open this channel.
    func withOpeningName<Value>(_ body: (String) throws(Failure) -> Value) throws(Failure) -> Value {
        // Unique as long as this object lives. No "?", which libext2fs takes for the start of options.
        let key = "piflash-\(UInt(bitPattern: ObjectIdentifier(self)))"
        Self.opening.withLock { $0[key] = self }
        defer { Self.opening.withLock { _ = $0.removeValue(forKey: key) } }
        return try body(key)
    }

    static func registered(_ key: String) -> Ext4Channel? { opening.withLock { $0[key] } }

    // MARK: Bytes

    /// A store's failure is kept, and its code is returned.
    func read(_ bytes: ByteSpan, into data: UnsafeMutableRawPointer) -> errcode_t {
        perform(bytes, or: EXT2_ET_SHORT_READ) { offset, count throws(Failure) in
            try store.read(into: UnsafeMutableRawBufferPointer(start: data, count: count), at: offset)
        }
    }

    func write(_ bytes: ByteSpan, from data: UnsafeRawPointer) -> errcode_t {
        guard let target else { return EXT2_ET_RO_FILSYS }
        return perform(bytes, or: EXT2_ET_SHORT_WRITE) { offset, count throws(Failure) in
            try target.write(UnsafeRawBufferPointer(start: data, count: count), at: offset)
        }
    }

    func writeZeroes(_ bytes: ByteSpan) -> errcode_t {
        guard let target else { return EXT2_ET_RO_FILSYS }
        return perform(bytes, or: EXT2_ET_SHORT_WRITE) { offset, count throws(Failure) in
            try target.write([UInt8](repeating: 0, count: count), at: offset)
        }
    }

    func synchronize() -> errcode_t {
        guard let target else { return 0 }
        return keepingFailure(or: EXT2_ET_SHORT_WRITE) { () throws(Failure) in try target.synchronize() }
    }

    private func perform(
        _ bytes: ByteSpan, or code: errcode_t, _ body: (Int64, Int) throws(Failure) -> Void
    ) -> errcode_t {
        keepingFailure(or: code) { () throws(Failure) in
            guard let offset = bytes.offset, let count = bytes.count, count <= store.size, offset <= store.size - count
            else {
                throw Failure(
                    .damagedFilesystem, "\(name): it refers to block \(bytes.block), which lies past its end",
                    hint: "the image or card is damaged: write it again")
            }
            try body(offset, Int(count))
        }
    }

    private func keepingFailure(or code: errcode_t, _ body: () throws(Failure) -> Void) -> errcode_t {
        do throws(Failure) {
            try body()
            return 0
        } catch {
            failure.withLock { $0 = $0 ?? error }
            return code
        }
    }

    /// What a call means by (block, count): a negative count is a number of bytes (lib/ext2fs/unix_io.c).
    struct ByteSpan {
        let block: UInt64
        /// In bytes; nil when no store is that large.
        let offset: Int64?
        let count: Int64?

        init(block: UInt64, count: Int64, blockSize: Int32) {
            self.block = block
            let start = block.multipliedReportingOverflow(by: UInt64(blockSize))
            offset = start.overflow ? nil : Int64(exactly: start.partialValue)
            let whole = count.multipliedReportingOverflow(by: Int64(blockSize))
            self.count = count < 0 ? -count : whole.overflow ? nil : whole.partialValue
        }

        init(byte: UInt, count: Int32) {
            block = UInt64(byte)
            offset = Int64(exactly: byte)
            self.count = Int64(count)
        }
    }
}
