public import SystemPackage

/// What Linux says of a whole disk (sysfs), as far as it matters for writing a card.
public struct DeviceFacts: Hashable, Sendable {
    public enum Bus: String, Sendable, Codable {
        case usb, mmc, loop, ata, nvme, virtio, scsi, other
    }

    /// The kernel's name: "sdb", "mmcblk0".
    public var kernelName: String
    /// "major:minor".
    public var number: String
    /// In bytes; 0 when there is no medium.
    public var size: Int64
    /// The logical sector size in bytes.
    public var sectorSize: Int
    public var model: String?
    public var vendor: String?
    public var serial: String?
    /// The card identification register of a card in a built-in reader: maker, product, serial number, date, in hex.
    public var cid: String?
    public var bus: Bus
    /// Soldered to the board (eMMC).
    public var isBuiltIn: Bool
    public var isRemovable: Bool
    public var isReadOnly: Bool
    public var partitions: [PartitionFacts]
    /// Kernel names of devices that stand on the disk itself (device mapper, RAID).
    public var holders: [String]
    /// For a loop device: the file behind it.
    public var backingFile: String?
    /// A number that the kernel gives to no other medium as long as it runs (Documentation/ABI, sysfs-block, diskseq);
    /// nil before Linux 5.15.
    public var sequence: String?
    /// Where the device is plugged in, the same after it was taken out and put back: a USB port and slot, an MMC host.
    public var port: String

    public struct PartitionFacts: Hashable, Sendable {
        public var kernelName: String
        public var number: String
        public var holders: [String]

        public init(kernelName: String, number: String, holders: [String]) {
            self.kernelName = kernelName
            self.number = number
            self.holders = holders
        }
    }

    public var path: FilePath { FilePath("/dev").appending(kernelName) }

    /// "Generic STORAGE DEVICE", or what is known.
    public var title: String {
        if let backingFile { return "loop device over \(backingFile)" }
        let words = [vendor, model].compactMap { $0 }.filter { !$0.isEmpty }
        return words.isEmpty ? "unnamed \(bus.rawValue) device" : words.joined(separator: " ")
    }

    /// What a device says of itself, safe to print: without control characters and those that turn the line around.
    public static func printable(_ text: String) -> String {
        let scalars = text.unicodeScalars.filter {
            switch $0.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
            default: true
            }
        }
        return String(String.UnicodeScalarView(scalars)).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// The device numbers of the disk and of its partitions.
    public var numbers: Set<String> { Set([number] + partitions.map(\.number)) }
}
