public import Diagnostics
public import Host
public import Storage
public import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Where a card's bytes go: a claimed device, or a file that stands for one.
public protocol CardTarget: WritableBlockStore {
    /// Makes the next reads come from the medium, not from memory.
    func dropCache() throws(Failure)

    /// The card is complete: makes it visible (a partition table read anew, a file renamed into place).
    func seal() throws(Failure)

    /// The card failed: whatever was made must not look finished. Called at most once, and not after ``seal()``.
    func abandon()
}

/// A card in a reader, claimed exclusively until it goes away.
public final class ClaimedCard: CardTarget {
    private let device: BlockDevice

    /// Claims the device, and makes sure that it is still the one that was judged.
    public init(_ facts: DeviceFacts) throws(Failure) {
        device = try BlockDevice(opening: facts.path, .claim)
        guard DeviceNumber.text(device.deviceNumber) == facts.number, device.size == facts.size else {
            throw Failure(
                .deviceChanged, severity: .refused, "\(facts.path) is another card now than a moment ago",
                hint: "run the command again, and look at what it shows")
        }
    }

    public var size: Int64 { device.size }
    public var name: String { device.name }

    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try device.read(into: buffer, at: offset)
    }

    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        try device.write(bytes, at: offset)
    }

    public func synchronize() throws(Failure) { try device.synchronize() }

    public func dropCache() throws(Failure) { try device.flushBuffers() }

    public func seal() throws(Failure) { try device.rereadPartitionTable() }

    public func abandon() {}
}

/// A new image file, which gets its name only when it is complete.
public final class NewImageFile: CardTarget {
    private let path: FilePath
    private let temporary: FilePath
    private let file: ImageFile
    private let user: InvokingUser

    /// A file of `size` bytes that will replace the one at `path`, if there is one.
    public init(_ path: FilePath, size: Int64, user: InvokingUser) throws(Failure) {
        self.path = path
        self.user = user
        let name = path.lastComponent?.string ?? "card.img"
        temporary = path.removingLastComponent().appending(".\(name).piflash-part")
        // A left-over of a run that was killed is nobody's.
        unlink(temporary.string)
        file = try ImageFile(creating: temporary, size: size)
        do { try user.own(temporary) } catch { throw .system("giving \(temporary) to its user", error) }
    }

    public var size: Int64 { file.size }
    public var name: String { path.string }

    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try file.read(into: buffer, at: offset)
    }

    /// Runs of zeros stay holes: the file is new, so they read as zeros already.
    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        let unit = 64 << 10
        var start = 0
        while start < bytes.count {
            let part = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + unit, bytes.count)])
            if !part.isAllZero { try file.write(part, at: offset + Int64(start)) }
            start += part.count
        }
    }

    public func synchronize() throws(Failure) { try file.synchronize() }

    public func dropCache() throws(Failure) { try file.dropCache() }

    public func seal() throws(Failure) {
        guard rename(temporary.string, path.string) == 0 else {
            throw .system("renaming \(temporary) to \(path)", Errno(rawValue: errno))
        }
        // The new name must survive a crash too.
        if let folder = try? FileDescriptor.open(
            path.removingLastComponent(), .readOnly, options: [.directory, .closeOnExec])
        {
            fsync(folder.rawValue)
            try? folder.close()
        }
    }

    public func abandon() { unlink(temporary.string) }
}

extension Failure.Code {
    public static let deviceChanged = Failure.Code("cards.device-changed")
}
