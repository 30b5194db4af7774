package import SystemPackage

/// What Linux reports about a whole disk (sysfs), as far as writing a card needs it.
package struct DeviceFacts: Hashable, Sendable {
    package enum Bus: String, Sendable, Codable {
        case usb, mmc, loop, ata, nvme, virtio, scsi, other
    }

    /// The kernel's name: "sdb", "mmcblk0".
    package var kernelName: String
    /// "major:minor".
    package var number: String
    /// In bytes; 0 if there is no medium.
    package var size: Int64
    /// The logical sector size in bytes.
    package var sectorSize: Int
    package var model: String?
    package var vendor: String?
    package var serial: String?
    /// The card identification register of a card in a built-in reader: maker, product, serial number, date, in hex.
    package var cid: String?
    package var bus: Bus
    /// Soldered to the board (eMMC).
    package var isBuiltIn: Bool
    package var isRemovable: Bool
    package var isReadOnly: Bool
    package var partitions: [PartitionFacts]
    /// Kernel names of devices that use the disk itself (device mapper, RAID).
    package var holders: [String]
    /// For a loop device: the file behind it.
    package var backingFile: String?
    /// A number that the kernel gives to each medium, unique until it is restarted (Documentation/ABI, sysfs-block,
    /// diskseq); nil before Linux 5.15.
    package var sequence: String?
    /// Where the device is plugged in: a USB port and slot, or an MMC host. It stays the same if a device is removed
    /// and inserted again.
    package var port: String

    package struct PartitionFacts: Hashable, Sendable {
        package var kernelName: String
        package var number: String
        package var holders: [String]

        package init(kernelName: String, number: String, holders: [String]) {
            self.kernelName = kernelName
            self.number = number
            self.holders = holders
        }
    }

    package var path: FilePath { FilePath("/dev").appending(kernelName) }

    /// Whether people may take it for a card: one in a reader, or a disk on USB. A loop device they made themselves.
    package var mayBeCard: Bool { bus != .loop && (isRemovable || bus == .usb || bus == .mmc && !isBuiltIn) }

    /// Vendor and model ("Generic STORAGE DEVICE"), or what is known instead.
    package var title: String {
        if let backingFile { return "loop device over \(backingFile)" }
        let words = [vendor, model].compactMap { $0 }.filter { !$0.isEmpty }
        return words.isEmpty ? "unnamed \(bus.rawValue) device" : words.joined(separator: " ")
    }

    /// A text from a device, safe to print: without control characters and without characters that reverse the line.
    package static func printable(_ text: String) -> String {
        let scalars = text.unicodeScalars.filter {
            switch $0.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
            default: true
            }
        }
        return String(String.UnicodeScalarView(scalars)).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// The device numbers of the disk and of its partitions.
    package var numbers: Set<String> { Set([number] + partitions.map(\.number)) }
}
