public import Diagnostics
import FoundationEssentials
import Storage
public import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Judges whether a disk may be written as a card. Every reason against it is a fact with a name; no option overrides
/// one.
public struct CardJudgement: Sendable {
    /// Larger than any card: what USB disks are for. SDUC cards above 2 TB are not made for any Raspberry Pi.
    public static let largestCard: Int64 = 2 << 40

    private let tree: BlockDeviceTree
    private let use: SystemUse
    /// Maps a file's path to "major:minor" of its file system; the real one but for tests.
    private let deviceOf: @Sendable (FilePath) -> String?

    public init(
        tree: BlockDeviceTree = BlockDeviceTree(), use: SystemUse = SystemUse(),
        deviceOf: @escaping @Sendable (FilePath) -> String? = CardJudgement.fileSystemDevice
    ) {
        self.tree = tree
        self.use = use
        self.deviceOf = deviceOf
    }

    /// Every reason not to write to `device`.
    ///
    /// - Parameters:
    ///   - imageSize: In bytes; nil while it is not known.
    ///   - protected: Files that must not be on the disk: the image, the cache, the recipe.
    public func refusals(of device: DeviceFacts, imageSize: Int64?, protecting protected: [FilePath]) -> [Failure] {
        var found: [Failure] = []
        func refuse(_ code: Failure.Code, _ text: String, hint: String) {
            found.append(Failure(code, severity: .refused, "\(device.path) \(text)", hint: hint))
        }

        let system = systemDisks
        if system.contains(device.kernelName) {
            refuse(.systemDisk, "is the disk this system runs from", hint: "`piflash devices` lists the cards")
        }
        // Device numbers, never name prefixes: /dev/sdb is not /dev/sdbb, mmcblk1 not mmcblk10.
        let stacked = device.holders + device.partitions.flatMap(\.holders)
        let mounted = use.mounts.filter { device.numbers.contains($0.number) || isSource($0.source, of: device) }
        if !mounted.isEmpty {
            let points = Array(Set(mounted.map(\.point))).sorted()
            refuse(
                .mounted, "is mounted on \(points.joined(separator: ", "))",
                hint: "unmount it: `umount \(points.joined(separator: " "))`")
        }
        let swaps = use.swaps.filter { isSource($0, of: device) }
        if !swaps.isEmpty {
            refuse(
                .swapDevice, "is used for swap (\(swaps.joined(separator: ", ")))",
                hint: "`swapoff` it, if it really is a card")
        }
        if !stacked.isEmpty {
            refuse(
                .heldDevice, "is held by \(stacked.sorted().joined(separator: ", ")) (RAID, LVM or encryption)",
                hint: "close what stands on it first, if it really is a card")
        }
        for path in protected {
            guard let number = deviceOf(path), tree.disks(under: number).contains(device.kernelName) else { continue }
            refuse(.sourceDisk, "holds \(path)", hint: "move that file to another disk, or choose another card")
        }
        if device.size == 0 {
            refuse(.noMedium, "has no card in it", hint: "put a card in")
        } else if let imageSize, device.size < imageSize {
            refuse(
                .tooSmall,
                "is too small: it holds \(formatBytes(device.size)), the image has \(formatBytes(imageSize))",
                hint: "use a larger card")
        }
        if device.isReadOnly {
            refuse(
                .writeProtected, "is write-protected",
                hint: "slide the card's lock switch away from LOCK, or try another reader")
        }
        if device.sectorSize != 512 {
            refuse(
                .wrongSectorSize, "has sectors of \(device.sectorSize) bytes; card images are made for 512",
                hint: "use an SD card in a USB or built-in reader")
        }
        switch device.bus {
        case .usb where device.size > Self.largestCard:
            refuse(.notACard, "is a disk of \(formatBytes(device.size)), larger than any card", hint: "choose a card")
        case .usb, .mmc, .loop: break
        case .ata, .nvme, .virtio, .scsi, .other:
            refuse(
                .notACard, "is an internal \(device.bus.rawValue) disk, not a card in a reader",
                hint: "`piflash devices` lists the cards")
        }
        return found
    }

    /// Throws the refusals as one failure, or returns.
    public func check(_ device: DeviceFacts, imageSize: Int64?, protecting protected: [FilePath]) throws(Failure) {
        let found = refusals(of: device, imageSize: imageSize, protecting: protected)
        guard let first = found.first else { return }
        guard found.count > 1 else { throw first }
        throw Failure(
            first.code, severity: .refused, found.map(\.message).joined(separator: "\n"),
            hint: first.hint)
    }

    /// The disks that the running system stands on.
    private var systemDisks: Set<String> {
        ["/", "/boot", "/boot/firmware", "/boot/efi", "/usr", "/var", "/home"].reduce(into: []) { disks, point in
            // The last mount on a point is the one that is seen there.
            guard let mount = use.mounts.last(where: { $0.point == point }) else { return }
            disks.formUnion(tree.disks(under: mount.number))
            // btrfs and overlays report a number of their own: what was mounted tells the device.
            if let number = Self.deviceNumber(mount.source) { disks.formUnion(tree.disks(under: number)) }
        }
    }

    /// Whether `source`, a path under /dev, is the disk or one of its partitions, by exact name.
    private func isSource(_ source: String, of device: DeviceFacts) -> Bool {
        guard source.hasPrefix("/dev/") else { return false }
        if let number = Self.deviceNumber(source), device.numbers.contains(number) { return true }
        let name = source.dropFirst("/dev/".count)
        return name == device.kernelName || device.partitions.contains { $0.kernelName == name }
    }

    private static func deviceNumber(_ path: String) -> String? {
        guard path.hasPrefix("/dev/"), let status = try? FilePath(path).stat(), status.type == .blockSpecial else {
            return nil
        }
        return DeviceNumber.text(UInt64(status.specialDeviceID.rawValue))
    }

    /// "major:minor" of the file system that `path`, or its nearest parent that exists, is in.
    @Sendable public static func fileSystemDevice(of path: FilePath) -> String? {
        var current = path
        while true {
            if let status = try? current.stat() { return DeviceNumber.text(UInt64(status.deviceID.rawValue)) }
            let parent = current.removingLastComponent()
            guard parent != current, !parent.string.isEmpty else { return nil }
            current = parent
        }
    }
}

extension Failure.Code {
    public static let systemDisk = Failure.Code("cards.system-disk")
    public static let mounted = Failure.Code("cards.mounted")
    public static let swapDevice = Failure.Code("cards.swap")
    public static let heldDevice = Failure.Code("cards.held")
    public static let sourceDisk = Failure.Code("cards.source-disk")
    public static let tooSmall = Failure.Code("cards.too-small")
    public static let wrongSectorSize = Failure.Code("cards.sector-size")
    public static let notACard = Failure.Code("cards.not-a-card")
}
