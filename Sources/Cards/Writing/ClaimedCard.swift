package import Diagnostics
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// A card in a reader, claimed exclusively until it goes away.
package final class ClaimedCard: CardTarget {
    package let queue: DeviceQueue?
    private let device: BlockDevice

    /// Claims the device, and makes sure that it is still the one that was judged.
    ///
    /// - Parameter tree: Where the facts came from; it is asked again behind the claim.
    package init(_ facts: DeviceFacts, in tree: BlockDeviceTree = BlockDeviceTree()) throws(Failure) {
        device = try BlockDevice(opening: facts.path, .claim)
        // Another card in the same reader has the same number, and often the same size: the kernel's number for the
        // medium tells it, or, where that is not known, the serial number in a built-in reader.
        let now = tree.facts(facts.kernelName)
        guard DeviceNumber.text(device.deviceNumber) == facts.number, device.size == facts.size, let now,
            now.serial == facts.serial, now.cid == facts.cid, now.model == facts.model,
            now.backingFile == facts.backingFile, now.sequence == facts.sequence
        else {
            throw Failure(
                .deviceChanged, severity: .refused, "\(facts.path) is another card now than a moment ago",
                hint: "run the command again, and look at what it shows")
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

    /// Shows the kernel the new partition table.
    ///
    /// The claim keeps everybody from mounting a partition, but a desktop may have one open to look at it, and then the
    /// kernel answers EBUSY for a moment. If it stays so, the kernel's view is old and the card is good: it was read
    /// back to the last byte, and udev shows the table anew when the claim is let go.
    package func seal() throws(Failure) {
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
