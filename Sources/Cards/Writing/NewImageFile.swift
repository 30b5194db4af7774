package import Diagnostics
import Host
import Storage
import Synchronization
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// A new image file, which gets its name only when it is complete; until then its name is ".NAME.piflash-part".
package final class NewImageFile: CardTarget {
    private let path: FilePath
    private let temporary: FilePath
    private let file: ImageFile
    /// Whether the temporary name is ours to remove.
    private let isPending = Mutex(true)

    /// A file of `size` bytes, rounded up to whole sectors of 512 bytes, that will replace the file at `path`, if there
    /// is one.
    package init(_ path: FilePath, size: Int64) throws(Failure) {
        self.path = path
        guard let name = path.lastComponent, let temporaryName = FilePath.Component(".\(name.string).piflash-part")
        else {
            throw Failure(.notATarget, severity: .refused, "\"\(path)\" is not the name of a file")
        }
        temporary = path.removingLastComponent().appending(temporaryName)
        // Of two runs, the first to end would give the name to the unfinished file of the other. A file that a killed
        // run left is not locked any more.
        let busy = Failure(
            .deviceBusy, severity: .refused, "another piflash is writing \(path)",
            hint: "wait until it is finished, or name another file")
        if let other = try? ImageFile(opening: temporary, writable: true) {
            guard try other.lock() else { throw busy }
            // While it is locked, no other piflash removes or replaces it.
            _ = temporary.withPlatformString { unlink($0) }
        } else {
            _ = temporary.withPlatformString { unlink($0) }
        }
        // For its owner alone: a card holds hashes and keys.
        file = try ImageFile(creating: temporary, size: (size + 511) / 512 * 512, permissions: [.ownerReadWrite])
        guard try file.lock() else {
            // Another run has it by now.
            isPending.withLock { $0 = false }
            throw busy
        }
    }

    deinit { discard() }

    package var size: Int64 { file.size }
    package var name: String { path.string }
    package var isBlank: Bool { true }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try file.read(into: buffer, at: offset)
    }

    /// Runs of zeros become holes, whatever was there before.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        try bytes.forEachSparseRun(at: offset) { (run, isZero) throws(Failure) in
            let position = offset + Int64(run.lowerBound)
            if isZero {
                try file.clear(position..<(position + Int64(run.count)))
            } else {
                try file.write(UnsafeRawBufferPointer(rebasing: bytes[run]), at: position)
            }
        }
    }

    package func synchronize() throws(Failure) { try file.synchronize() }

    package func dropCache() throws(Failure) { try file.dropCache() }

    package func finalize() throws(Failure) {
        do { try DurableFile.rename(temporary, to: path) } catch {
            throw .system("renaming \(temporary) to \(path)", error)
        }
        isPending.withLock { $0 = false }
    }

    package func abandon() { discard() }

    private func discard() {
        let isOurs = isPending.withLock { pending in
            defer { pending = false }
            return pending
        }
        if isOurs { _ = temporary.withPlatformString { unlink($0) } }
    }
}
