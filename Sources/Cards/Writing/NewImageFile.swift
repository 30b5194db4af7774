package import Diagnostics
package import Host
import Storage
import Synchronization
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// A new image file, which gets its name only when it is complete; until then it is ".NAME.piflash-part" beside it.
package final class NewImageFile: CardTarget {
    private let path: FilePath
    private let temporary: FilePath
    private let file: ImageFile
    private let user: InvokingUser
    /// Whether the temporary name is ours to remove.
    private let isPending = Mutex(true)

    /// A file of `size` bytes, rounded up to whole sectors of 512 as a card's, that will replace the one at `path`, if
    /// there is one.
    package init(_ path: FilePath, size: Int64, user: InvokingUser) throws(Failure) {
        self.path = path
        self.user = user
        guard let name = path.lastComponent, let temporaryName = FilePath.Component(".\(name.string).piflash-part")
        else {
            throw Failure(.notATarget, severity: .refused, "\"\(path)\" names no file")
        }
        temporary = path.removingLastComponent().appending(temporaryName)
        // Of two runs, the one that ends first would give the name to what the other one has only begun. What a run that
        // was killed left is not locked any more, and nobody's.
        let busy = Failure(
            .deviceBusy, severity: .refused, "another piflash writes \(path)",
            hint: "wait until it is done, or name another file")
        if let other = try? ImageFile(opening: temporary, writable: true) {
            guard try other.lock() else { throw busy }
            // While it is locked, nobody else removes it or puts another one in its place.
            _ = temporary.withPlatformString { unlink($0) }
        } else {
            _ = temporary.withPlatformString { unlink($0) }
        }
        file = try ImageFile(creating: temporary, size: (size + 511) / 512 * 512)
        guard try file.lock() else {
            // Somebody else's by now.
            isPending.withLock { $0 = false }
            throw busy
        }
        do { try user.own(temporary) } catch { throw .system("giving \(temporary) to its user", error) }
    }

    deinit { discard() }

    package var size: Int64 { file.size }
    package var name: String { path.string }
    package var isBlank: Bool { true }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try file.read(into: buffer, at: offset)
    }

    /// Runs of zeros become holes, whatever stood there before.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        // Every file system's blocks are smaller, and the holes of real images larger.
        let unit = 64 << 10
        var start = 0
        while start < bytes.count {
            let isZero = part(bytes, start, unit).isAllZero
            var end = min(start + unit, bytes.count)
            while end < bytes.count, part(bytes, end, unit).isAllZero == isZero { end = min(end + unit, bytes.count) }
            let position = offset + Int64(start)
            if isZero {
                try file.clear(position..<(offset + Int64(end)))
            } else {
                try file.write(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), at: position)
            }
            start = end
        }
    }

    package func synchronize() throws(Failure) { try file.synchronize() }

    package func dropCache() throws(Failure) { try file.dropCache() }

    package func seal() throws(Failure) {
        let result = temporary.withPlatformString { from in path.withPlatformString { rename(from, $0) } }
        guard result == 0 else { throw .system("renaming \(temporary) to \(path)", Errno(rawValue: errno)) }
        isPending.withLock { $0 = false }
        try synchronizeDirectory()
    }

    package func abandon() { discard() }

    /// The new name must survive a crash too.
    private func synchronizeDirectory() throws(Failure) {
        let parent = path.removingLastComponent()
        let directory = parent.isEmpty ? "." : parent
        do {
            let folder = try FileDescriptor.open(directory, .readOnly, options: [.directory, .closeOnExec])
            defer { try? folder.close() }
            // fsync(2): EINVAL is for file systems that cannot do it for a directory; they have nothing to wait for.
            guard fsync(folder.rawValue) == 0 || errno == EINVAL else { throw Errno(rawValue: errno) }
        } catch {
            throw .system("flushing \(directory)", error as? Errno ?? .ioError)
        }
    }

    private func discard() {
        let isOurs = isPending.withLock { pending in
            defer { pending = false }
            return pending
        }
        if isOurs { _ = temporary.withPlatformString { unlink($0) } }
    }

    private func part(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + count, bytes.count)])
    }
}
