package import Host
import CLinux
package import Diagnostics
package import SystemPackage

/// A Linux block device, read and written past the page cache (O_DIRECT).
///
/// Direct I/O wants offsets, lengths and addresses that are multiples of the sector size. Aligned calls go straight to
/// the device; a misaligned read goes through a separate buffer, a misaligned length or offset of a write is refused,
/// since it could only be done by reading and writing back what the caller did not name.
package final class BlockDevice: WritableBlockStore {
    package let path: FilePath
    /// BLKGETSIZE64, in bytes.
    package let size: Int64
    /// BLKSSZGET: the logical sector size in bytes.
    package let sectorSize: Int
    /// Of the open device: its name may meanwhile mean another one.
    package let deviceNumber: DeviceNumber
    private let descriptor: FileDescriptor

    package var name: String { path.string }

    /// Opens the device; `path` is used as it is (the caller has resolved links and validated the device).
    package init(opening path: FilePath, _ access: DeviceAccess) throws(Failure) {
        let descriptor: FileDescriptor
        do throws(DeviceOpener.OpenError) {
            descriptor = try DeviceOpener.open(path, access)
        } catch {
            switch error {
            case .errno(let reason): throw Self.explain(reason, path: path, access)
            case .refused(let failure): throw failure
            }
        }

        var bytes: UInt64 = 0
        var sector: Int32 = 0
        do throws(Failure) {
            let status: Stat
            do { status = try descriptor.stat() } catch {
                throw .system("looking at \(path)", error)
            }
            guard status.type == .blockSpecial else {
                throw Failure(.notABlockDevice, severity: .refused, "\"\(path)\" is not a block device")
            }
            // Not when it is opened: the process that opens it for others cannot know who reads it how.
            guard clinux_set_direct(descriptor.rawValue) == 0 else {
                throw .system("reading \(path) past the page cache", .current)
            }
            guard clinux_block_size(descriptor.rawValue, &bytes, &sector) == 0 else {
                throw .system("asking \(path) for its size", .current)
            }
            self.deviceNumber = DeviceNumber(UInt64(status.specialDeviceID.rawValue))
        } catch {
            try? descriptor.close()
            throw error
        }
        self.path = path
        self.size = Int64(bytes)
        self.sectorSize = Int(sector)
        self.descriptor = descriptor
    }

    deinit { try? descriptor.close() }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: buffer.count)
        guard !buffer.isEmpty else { return }
        if isAligned(UInt(bitPattern: buffer.baseAddress)), isAligned(UInt(buffer.count)), isAligned(UInt(offset)) {
            return try descriptor.readFully(into: buffer, at: offset, name: name)
        }
        let sector = Int64(sectorSize)
        let start = offset / sector * sector
        let end = min((offset + Int64(buffer.count) + sector - 1) / sector * sector, size)
        let bounce = AlignedBuffer(count: Int(end - start))
        defer { withExtendedLifetime(bounce) {} }
        let whole = UnsafeMutableRawBufferPointer(rebasing: bounce.bytes[..<Int(end - start)])
        try descriptor.readFully(into: whole, at: start, name: name)
        buffer.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: whole[Int(offset - start)..<Int(offset - start) + buffer.count]))
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: bytes.count)
        guard !bytes.isEmpty else { return }
        guard isAligned(UInt(bytes.count)), isAligned(UInt(offset)) else {
            throw Failure(
                .misaligned,
                "\(name): \(bytes.count) bytes at \(offset) are not complete sectors of \(sectorSize) bytes")
        }
        if isAligned(UInt(bitPattern: bytes.baseAddress)) {
            return try descriptor.writeFully(bytes, at: offset, name: name)
        }
        let bounce = AlignedBuffer(count: bytes.count)
        defer { withExtendedLifetime(bounce) {} }
        bounce.bytes.copyMemory(from: bytes)
        try descriptor.writeFully(
            UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bounce.bytes)[..<bytes.count]), at: offset,
            name: name)
    }

    /// BLKZEROOUT: makes `range` (in bytes, whole sectors) read as zeros, by the device's own command for that or by
    /// writing them (Linux, blkdev_issue_zeroout). False when the kernel cannot do it on this device.
    package func zero(_ range: Range<Int64>) throws(Failure) -> Bool {
        try checkBounds(offset: range.lowerBound, count: range.count)
        guard clinux_zero_out(descriptor.rawValue, UInt64(range.lowerBound), UInt64(range.count)) != 0 else {
            return true
        }
        let error = Errno.current
        guard error != .notSupported, error != .inappropriateIOCTLForDevice else { return false }
        throw .system("zeroing \(name) at \(range.lowerBound)", error)
    }

    package func synchronize() throws(Failure) { try descriptor.synchronize(name: name) }

    /// BLKFLSBUF: drops what the kernel has cached of the device, so that other readers see what was written directly.
    ///
    /// Without root's rights it does nothing: our own reads are direct and never see that cache.
    package func flushBuffers() throws(Failure) {
        do throws(Errno) {
            try perform(.flushBuffers, clinux_flush_buffers)
        } catch {
            guard error != .permissionDenied else { return }
            throw .system("flushing the kernel's buffers of \(name)", error)
        }
    }

    /// Whether the medium is still there, with the size it was opened with. A card that was pulled out has no size.
    package var isPresent: Bool {
        var bytes: UInt64 = 0
        var sector: Int32 = 0
        return clinux_block_size(descriptor.rawValue, &bytes, &sector) == 0 && Int64(bytes) == size
    }

    /// BLKRRPART: makes the kernel see the new partition table. Devices without partitions (loop devices made without
    /// partition scanning) answer EINVAL, which is not a failure; EBUSY means that a partition was mounted meanwhile.
    package func rereadPartitionTable() throws(Failure) {
        do throws(Errno) {
            try perform(.rereadPartitionTable, clinux_reread_partitions)
        } catch {
            guard error != .invalidArgument else { return }
            // Without root's rights: udev does the same when an exclusive open ends, whichever process had it.
            guard error != .permissionDenied else { return }
            throw .system(
                "reading the new partition table of \(name)", error, hint: "take the card out and put it in again")
        }
    }

    /// An ioctl that wants CAP_SYS_ADMIN: by this process, or by the one that has root's rights.
    private func perform(_ request: DeviceRequest, _ call: (Int32) -> Int32) throws(Errno) {
        guard call(descriptor.rawValue) != 0 else { return }
        let reason = Errno.current
        guard reason == .permissionDenied, let opener = DeviceOpener.current else { throw reason }
        try opener.perform(request, on: descriptor)
    }

    private func isAligned(_ value: UInt) -> Bool { value % UInt(sectorSize) == 0 }

    private static func explain(_ error: Errno, path: FilePath, _ access: DeviceAccess) -> Failure {
        switch error {
        case .resourceBusy:
            Failure(
                .deviceBusy, severity: .refused, "\(path) is in use",
                // No glob over the name: /dev/sdb?* would name /dev/sdbb's partitions too.
                hint: "`lsblk \(path)` shows what uses it; unmount that, or let another piflash finish, then try again",
                cause: error)
        case .permissionDenied, .notPermitted:
            Failure(
                .noPermission, severity: .refused,
                "no permission to \(access == .exclusive ? "write" : "read") \(path)",
                hint: "run the same command with `sudo`, or join the device's group: `sudo usermod -aG disk $USER`",
                cause: error)
        case .readOnlyFileSystem:
            Failure(
                .writeProtected, severity: .refused, "\(path) is write-protected",
                hint: "slide the card's lock switch away from LOCK, or try another reader", cause: error)
        case .noMedium:
            Failure(.noMedium, severity: .refused, "there is no card in \(path)", hint: "put a card in", cause: error)
        default: .system("opening \(path)", error)
        }
    }
}

extension Failure.Code {
    package static let notABlockDevice = Failure.Code("storage.not-a-block-device")
    package static let misaligned = Failure.Code("storage.misaligned")
    package static let deviceBusy = Failure.Code("storage.device-busy")
    package static let noPermission = Failure.Code("storage.no-permission")
    package static let writeProtected = Failure.Code("storage.write-protected")
    package static let noMedium = Failure.Code("storage.no-medium")
}
