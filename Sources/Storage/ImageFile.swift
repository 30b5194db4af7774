import Host
import CLinux
package import Diagnostics
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// A regular file of fixed size that holds a disk image.
package final class ImageFile: WritableBlockStore {
    package let path: FilePath
    package let size: Int64
    /// For what is done with the file itself: its lock and its name.
    package let descriptor: FileDescriptor

    /// What messages about its contents call it: what the user named, and this may be a copy of.
    package let name: String

    /// A path that leads this process to the file even if it is renamed or removed (proc(5), /proc/pid/fd). Valid as
    /// long as `self` exists.
    package var enduringPath: FilePath { FilePath("/proc/self/fd/\(descriptor.rawValue)") }

    /// Opens an existing image. Anything but a regular file is refused: a device is opened as a ``BlockDevice``.
    ///
    /// - Parameter name: What messages call it, where that is not its path.
    package convenience init(
        opening path: FilePath, writable: Bool = false, called name: FilePath? = nil
    ) throws(Failure) {
        let descriptor: FileDescriptor
        // Not blocking: opening a FIFO would wait for its other end before it could be refused.
        do {
            descriptor = try FileDescriptor.open(
                path, writable ? .readWrite : .readOnly, options: [.closeOnExec, .nonBlocking])
        } catch { throw .system("opening \(path)", error) }
        try self.init(adopting: descriptor, at: path, called: name)
    }

    /// Makes a new, empty (sparse) file of `size` bytes, which only its owner can read and write: a card holds hashes and
    /// keys. Fails if there is something at `path`.
    package convenience init(creating path: FilePath, size: Int64) throws(Failure) {
        let descriptor: FileDescriptor
        do {
            descriptor = try FileDescriptor.open(
                path, .readWrite, options: [.create, .exclusiveCreate, .noFollow, .closeOnExec],
                permissions: [.ownerReadWrite])
        } catch { throw .system("creating \(path)", error) }
        do {
            try descriptor.resize(to: size)
        } catch {
            try? descriptor.close()
            _ = path.withPlatformString { unlink($0) }
            throw .system("sizing \(path) to \(formatBytes(size))", error)
        }
        try self.init(adopting: descriptor, at: path)
    }

    /// The image in the open file `descriptor`, which this object then closes.
    package init(
        adopting descriptor: FileDescriptor, at path: FilePath, called name: FilePath? = nil
    ) throws(Failure) {
        let status: Stat
        do { status = try descriptor.stat() } catch {
            try? descriptor.close()
            throw .system("looking at \(path)", error)
        }
        guard status.type == .regular else {
            try? descriptor.close()
            throw Failure(.notAFile, "\"\(path)\" is not a regular file")
        }
        self.path = path
        self.name = (name ?? path).string
        self.size = status.size
        self.descriptor = descriptor
    }

    deinit { try? descriptor.close() }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: buffer.count)
        try descriptor.readFully(into: buffer, at: offset, name: name)
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: bytes.count)
        try descriptor.writeFully(bytes, at: offset, name: name)
    }

    /// Makes `range` (in bytes) read as zeros, as a hole where the file system can.
    package func clear(_ range: Range<Int64>) throws(Failure) {
        try checkBounds(offset: range.lowerBound, count: range.count)
        guard !range.isEmpty else { return }
        guard clinux_punch_hole(descriptor.rawValue, range.lowerBound, Int64(range.count)) != 0 else { return }
        let error = Errno.current
        guard error == .notSupported else { throw .system("clearing a part of \(path)", error) }
        let zeros = AlignedBuffer(count: min(range.count, 1 << 20))
        defer { withExtendedLifetime(zeros) {} }
        var offset = range.lowerBound
        while offset < range.upperBound {
            let count = Int(min(Int64(zeros.bytes.count), range.upperBound - offset))
            try write(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(zeros.bytes)[..<count]), at: offset)
            offset += Int64(count)
        }
    }

    /// Takes the kernel's lock on the file (flock(2)) for as long as this object lives, or the process: false if another has
    /// it. Where the file system has no locks, no one else has one.
    package func lock() throws(Failure) -> Bool {
        do throws(Errno) { return try descriptor.lock(.exclusive, waiting: false) } catch {
            guard [.notSupported, .noLocks, .noFunction].contains(error) else {
                throw .system("locking \(path)", error)
            }
            return true
        }
    }

    package func synchronize() throws(Failure) { try descriptor.synchronize(name: name) }

    /// Forgets the cached pages, so that the next read comes from the medium.
    package func dropCache() throws(Failure) {
        try synchronize()
        _ = clinux_drop_cache(descriptor.rawValue)
    }

    /// The parts of the file that hold data; the rest are holes that read as zeros.
    package func dataRanges() throws(Failure) -> ByteRanges {
        var found = ByteRanges()
        var offset: Int64 = 0
        while offset < size {
            let start = clinux_seek_data(descriptor.rawValue, offset)
            if start < 0 {
                // ENXIO: nothing but a hole up to the end. Any other answer: take the rest as data, to be safe.
                if Errno.current != .noSuchAddressOrDevice { found.insert(offset..<size) }
                break
            }
            let hole = clinux_seek_hole(descriptor.rawValue, start)
            let end = hole < 0 ? size : hole
            found.insert(start..<end)
            offset = end
        }
        return found
    }
}
