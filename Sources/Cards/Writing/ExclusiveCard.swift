package import Diagnostics
import Host
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// A card in a reader, open exclusively as long as this value exists.
package final class ExclusiveCard: CardTarget {
    package let queue: DeviceQueue?
    private let device: BlockDevice

    /// Opens the device exclusively, and checks that it is still the one that was validated.
    ///
    /// - Parameter tree: Where the facts came from; it is read again once the device is open.
    package init(_ facts: DeviceFacts, in tree: BlockDeviceTree = BlockDeviceTree()) throws(Failure) {
        device = try BlockDevice(opening: facts.path, .exclusive)
        // Another card in the same reader has the same number, and often the same size. The kernel's number of the
        // medium differs; if that is unknown, the serial number in a built-in reader does.
        let now = tree.facts(facts.kernelName)
        guard device.deviceNumber.description == facts.number, device.size == facts.size, let now,
            now.serial == facts.serial, now.cid == facts.cid, now.model == facts.model,
            now.backingFile == facts.backingFile, now.sequence == facts.sequence
        else {
            throw Failure(
                .deviceChanged, severity: .refused, "\(facts.path) is not the same card as a moment ago",
                hint: "run the command again, and check the card that it shows")
        }
        queue = tree.queue(of: facts.kernelName)
    }

    package var size: Int64 { device.size }
    package var name: String { device.name }
    package var isPresent: Bool { device.isPresent }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try device.read(into: buffer, at: offset)
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        try device.write(bytes, at: offset)
    }

    package func zero(_ range: Range<Int64>) throws(Failure) -> Bool { try device.zero(range) }

    package func synchronize() throws(Failure) { try device.synchronize() }

    package func dropCache() throws(Failure) { try device.flushBuffers() }

    /// Makes the kernel read the new partition table.
    ///
    /// While the device is open exclusively, no partition can be mounted, but a desktop may have one open to probe it;
    /// then the kernel answers EBUSY for a moment. If that does not end, the kernel keeps the old table for now. The
    /// card is still good: it was read back to the last byte, and udev has the table read again when the device is
    /// closed.
    package func finalize() throws(Failure) {
        for _ in 0..<20 {
            do throws(Failure) {
                return try device.rereadPartitionTable()
            } catch {
                guard error.cause as? Errno == .resourceBusy else { throw error }
            }
            usleep(100_000)
        }
    }

    /// Makes the kernel forget the partitions that the card had.
    package func abandon() { try? device.rereadPartitionTable() }
}

extension Failure.Code {
    package static let deviceChanged = Failure.Code("cards.device-changed")
}
