package import Diagnostics
import Host
import Storage
import Synchronization
package import SystemPackage

/// A new image file, which gets its name only when it is complete; until then its name is ".NAME.piflash-part".
package final class NewImageFile: CardTarget {
    private let path: FilePath
    /// Both names are in this directory, wherever its path leads by the end of the run.
    private let directory: PrivateDirectory
    private let finalName: String
    private let temporary: String
    private let file: ImageFile
    /// Whether the temporary name is ours to remove.
    private let isPending = Mutex(true)

    /// A file of `size` bytes, rounded up to whole sectors of 512 bytes, that will replace the file at `path`, if there
    /// is one.
    package init(_ path: FilePath, size: Int64) throws(Failure) {
        self.path = path
        guard let name = path.lastComponent?.string else {
            throw Failure(.notATarget, severity: .refused, "\"\(path)\" is not the name of a file")
        }
        finalName = name
        temporary = ".\(name).piflash-part"
        let parent = path.removingLastComponent()
        guard
            let place = (parent.isEmpty ? "." : parent).resolvingLinks,
            let directory = try PrivateDirectory.open(place, for: .output(mode: 0o755))
        else { throw Failure(.notATarget, severity: .refused, "there is no directory for \"\(path)\"") }
        self.directory = directory
        // Of two runs, the first to end would give the name to the unfinished file of the other. A file that a killed
        // run left is not locked any more.
        let busy = Failure(
            .deviceBusy, severity: .refused, "another piflash is writing \(path)",
            hint: "wait until it is finished, or name another file")
        let part = directory.path.appending(temporary)
        // What is not a file was not left by a run; it only has the name that is needed.
        let left = try? directory.openFile(temporary, .read).map { try ImageFile(adopting: $0, at: part) }
        if let left, try !left.lock() || !directory.isName(temporary, of: left.descriptor) { throw busy }
        // While it is locked, no other piflash removes or replaces it.
        directory.remove(temporary)
        withExtendedLifetime(left) {}
        guard let made = try directory.openFile(temporary, .create) else { throw busy }
        let size = (size + 511) / 512 * 512
        do { try made.resize(to: size) } catch {
            try? made.close()
            directory.remove(temporary)
            throw .system("sizing \(part) to \(formatBytes(size))", error)
        }
        file = try ImageFile(adopting: made, at: part)
        guard try file.lock(), directory.isName(temporary, of: made) else {
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
        try directory.rename(temporary, file.descriptor, to: finalName)
        isPending.withLock { $0 = false }
    }

    package func abandon() { discard() }

    private func discard() {
        let isOurs = isPending.withLock { pending in
            defer { pending = false }
            return pending
        }
        if isOurs { directory.remove(temporary) }
    }
}
