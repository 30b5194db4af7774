package import Filesystems
package import SystemPackage

/// A card as its owner recognises it: what it is, and what is on it now. It is shown before a card is overwritten.
///
/// Values only; the command formats them.
package struct CardContentsSummary: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        /// As in /dev/sdb1; nil for a file system without a partition table.
        package let number: Int?
        /// In bytes.
        package let size: Int64
        /// libblkid's name ("vfat", "ext4"), or nil if it is unknown.
        package let filesystem: String?
        package let label: String?

        package init(number: Int?, size: Int64, filesystem: String?, label: String?) {
            self.number = number
            self.size = size
            self.filesystem = filesystem
            self.label = label
        }
    }

    package let path: FilePath
    package let title: String
    /// In bytes.
    package let size: Int64
    package let bus: DeviceFacts.Bus
    package let serial: String?
    /// A USB disk that does not report itself as removable: more likely a hard disk than a card in a reader.
    package let looksLikeHardDisk: Bool
    /// Empty if nothing is recognised: a new card, or one that a failed run left without a partition table.
    package let entries: [Entry]

    /// - Parameters:
    ///   - table: Reads the partition table of a device; nil if it has none.
    ///   - filesystem: Recognises a file system that fills the device; called only if there is no table.
    package init(
        _ device: DeviceFacts, table: (FilePath) -> PartitionTable?,
        filesystem: (FilePath) -> FilesystemSignature? = { _ in nil }
    ) {
        path = device.path
        title = device.title
        size = device.size
        bus = device.bus
        serial = device.serial
        looksLikeHardDisk = device.bus == .usb && !device.isRemovable
        if device.size == 0 {
            entries = []
        } else if let table = table(device.path) {
            entries = table.partitions.map {
                Entry(
                    number: $0.number, size: Int64($0.range.count), filesystem: $0.filesystem?.type,
                    label: $0.filesystem?.label.map(DeviceFacts.printable))
            }
        } else if let whole = filesystem(device.path) {
            entries = [
                Entry(
                    number: nil, size: device.size, filesystem: whole.type,
                    label: whole.label.map(DeviceFacts.printable))
            ]
        } else {
            entries = []
        }
    }
}
