package import Diagnostics
import Storage
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Judges whether a disk may be written as a card. Every reason against it is a fact with a name; no option overrides
/// one.
package struct CardJudgement: Sendable {
    /// The largest SDXC card (SD Physical Layer Specification 3.00: 2^32 sectors of 512 bytes). What is larger on USB is
    /// somebody's hard disk; SDUC cards, which may be larger, no Raspberry Pi reads. Smaller USB disks are accepted, as
    /// a Pi boots from them too; ``CardContentsSummary`` tells them from cards before they are overwritten.
    package static let largestCard: Int64 = 2 << 40

    private let tree: BlockDeviceTree
    private let use: SystemUse
    private let deviceOf: @Sendable (FilePath) -> String?
    private let numberOf: @Sendable (FilePath) -> String?

    /// - Parameters:
    ///   - deviceOf: Maps a file's path to "major:minor" of its file system; the real one but for tests.
    ///   - numberOf: Maps the path of a device node to its "major:minor"; the real one but for tests.
    package init(
        tree: BlockDeviceTree = BlockDeviceTree(), use: SystemUse = SystemUse(),
        deviceOf: @escaping @Sendable (FilePath) -> String? = CardJudgement.fileSystemDevice,
        numberOf: @escaping @Sendable (FilePath) -> String? = CardJudgement.deviceNumber
    ) {
        self.tree = tree
        self.use = use
        self.deviceOf = deviceOf
        self.numberOf = numberOf
    }

    /// The whole disk that `path` names, by its device number and never by its name. Links are followed, so the facts
    /// tell the device that is really meant.
    package func disk(at path: FilePath) throws(Failure) -> DeviceFacts {
        let list = "`piflash devices` lists the cards that are there"
        guard let number = numberOf(path), let name = tree.name(of: number) else {
            throw Failure(.noSuchDevice, severity: .refused, "there is no block device \(path)", hint: list)
        }
        if let disk = tree.disk(ofPartition: name) {
            throw Failure(
                .notAWholeDisk, severity: .refused, "\(path) is a partition of /dev/\(disk), not a whole card",
                hint: "name the whole card: /dev/\(disk)")
        }
        guard let facts = tree.facts(name) else {
            throw Failure(.noSuchDevice, severity: .refused, "\(path) went away", hint: list)
        }
        return facts
    }

    /// Every reason not to write to `device`.
    ///
    /// - Parameters:
    ///   - imageSize: In bytes; nil while it is not known.
    ///   - protected: Files that must not be on the disk: the image, the cache, the recipe.
    package func refusals(of device: DeviceFacts, imageSize: Int64?, protecting protected: [FilePath]) -> [Failure] {
        useRefusals(of: device) + sourceRefusals(of: device, protecting: protected)
            + mediumRefusals(of: device, imageSize: imageSize) + kindRefusals(of: device)
    }

    /// Throws the refusals as one failure, or returns.
    package func check(_ device: DeviceFacts, imageSize: Int64?, protecting protected: [FilePath]) throws(Failure) {
        let found = refusals(of: device, imageSize: imageSize, protecting: protected)
        // What can never be a card must not come with advice to unmount it: that one's hint stands alone.
        let final = found.first { [.systemDisk, .notACard, .useUnknown].contains($0.code) }
        guard let first = final ?? found.first else { return }
        guard found.count > 1 else { throw first }
        let hints = final.map { [$0.hint] } ?? found.map(\.hint)
        throw Failure(
            first.code, severity: .refused, found.map(\.message).joined(separator: "\n"),
            hint: hints.compactMap { $0 }.joined(separator: "; "))
    }

    // MARK: What the system does with it

    private func useRefusals(of device: DeviceFacts) -> [Failure] {
        guard use.isKnown else {
            return [
                refusal(
                    .useUnknown, device, "cannot be judged: /proc/self/mountinfo does not tell what is mounted",
                    hint: "run piflash where /proc is mounted")
            ]
        }
        var found: [Failure] = []
        let mounts = use.mounts.filter { disks(under: $0).contains(device.kernelName) }
        if mounts.contains(where: { Self.systemPoints.contains($0.point) }) {
            found.append(
                refusal(
                    .systemDisk, device, "is the disk this system runs from", hint: "`piflash devices` lists the cards")
            )
        }
        if !mounts.isEmpty {
            let points = Array(Set(mounts.map(\.point))).sorted()
            found.append(
                refusal(
                    .mounted, device,
                    "is mounted on \(points.map(DeviceFacts.printable).joined(separator: ", "))",
                    hint: "unmount it: `umount \(points.map(Self.quoted).joined(separator: " "))`"))
        }
        let swaps = use.swaps.filter { path in
            number(ofNode: path).map { tree.disks(under: $0).contains(device.kernelName) } ?? false
        }
        if !swaps.isEmpty {
            found.append(
                refusal(
                    .swapDevice, device, "is used for swap (\(swaps.joined(separator: ", ")))",
                    hint: "`swapoff` it, if it really is a card"))
        }
        let holders = Set(device.holders + device.partitions.flatMap(\.holders)).sorted()
        if !holders.isEmpty {
            found.append(
                refusal(
                    .heldDevice, device, "is held by \(holders.joined(separator: ", ")) (RAID, LVM or encryption)",
                    hint: "close what stands on it first, if it really is a card"))
        }
        return found
    }

    private static let systemPoints: Set<String> = [
        "/", "/boot", "/boot/firmware", "/boot/efi", "/efi", "/usr", "/var", "/home",
    ]

    /// The disks that a mount stands on. btrfs reports a device number of its own: what was mounted tells the device.
    private func disks(under mount: SystemUse.Mount) -> Set<String> {
        var found = tree.disks(under: mount.number)
        if let number = number(ofNode: mount.source), number != mount.number {
            found.formUnion(tree.disks(under: number))
        }
        return found
    }

    /// The number of a device by its path; by its exact name where the node is missing, as in a container.
    private func number(ofNode path: String) -> String? {
        guard path.hasPrefix("/dev/") else { return nil }
        return numberOf(FilePath(path)) ?? tree.number(of: String(path.dropFirst("/dev/".count)))
    }

    // MARK: What is needed from it

    private func sourceRefusals(of device: DeviceFacts, protecting protected: [FilePath]) -> [Failure] {
        protected.filter { path in
            if let number = deviceOf(path), tree.disks(under: number).contains(device.kernelName) { return true }
            // stat(2) of a file in a btrfs subvolume gives a number that is nowhere else: the mount it is in tells more.
            let real = Self.resolved(path)
            let longest = use.mounts.filter { real.starts(with: FilePath($0.point)) }
                .max { FilePath($0.point).components.count < FilePath($1.point).components.count }
            if let longest, disks(under: longest).contains(device.kernelName) { return true }
            // A loop device over the image itself.
            return device.backingFile.map { Self.resolved(FilePath($0)) == real } ?? false
        }.map {
            refusal(.sourceDisk, device, "holds \($0)", hint: "move that file to another disk, or choose another card")
        }
    }

    // MARK: What it is

    private func mediumRefusals(of device: DeviceFacts, imageSize: Int64?) -> [Failure] {
        guard device.size > 0 else { return [refusal(.noMedium, device, "has no card in it", hint: "put a card in")] }
        var found: [Failure] = []
        if let imageSize, device.size < imageSize {
            found.append(
                refusal(
                    .tooSmall, device,
                    "is too small: it holds \(Self.size(device.size)), the image has \(Self.size(imageSize))",
                    hint: "use a larger card"))
        }
        if device.isReadOnly {
            found.append(
                refusal(
                    .writeProtected, device, "is write-protected",
                    hint: "slide the card's lock switch away from LOCK, or try another reader"))
        }
        if device.sectorSize != 512 {
            found.append(
                refusal(
                    .wrongSectorSize, device,
                    "has sectors of \(device.sectorSize) bytes; card images are made for 512",
                    hint: "use an SD card in a USB or built-in reader"))
        }
        return found
    }

    private func kindRefusals(of device: DeviceFacts) -> [Failure] {
        let hint = "`piflash devices` lists the cards"
        let reason: String? =
            switch device.bus {
            case .usb where device.size > Self.largestCard:
                "is a disk of \(formatBytes(device.size)), larger than any card"
            case .mmc where device.isBuiltIn: "is built into this computer (eMMC), not a card in a reader"
            case .usb, .mmc, .loop: nil
            case .ata, .nvme, .virtio, .scsi: "is an internal \(device.bus.rawValue) disk, not a card in a reader"
            case .other: "is not a card in a reader"
            }
        return reason.map { [refusal(.notACard, device, $0, hint: hint)] } ?? []
    }

    private func refusal(_ code: Failure.Code, _ device: DeviceFacts, _ text: String, hint: String) -> Failure {
        Failure(code, severity: .refused, "\(device.path) \(text)", hint: hint)
    }

    /// Both readable and exact: a card that is short by one sector reads the same otherwise.
    private static func size(_ bytes: Int64) -> String {
        bytes < 1024 ? formatBytes(bytes) : "\(formatBytes(bytes)) (\(bytes) bytes)"
    }

    /// A word for sh(1).
    private static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "/._-+:,@".utf8.contains(byte)
            }
        }
        guard !isPlain else { return text }
        return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}

extension CardJudgement {
    /// "major:minor" of the file system that `path`, or its nearest parent that exists, is in.
    @Sendable package static func fileSystemDevice(of path: FilePath) -> String? {
        guard let status = try? resolved(path).nearestExisting.stat() else { return nil }
        return DeviceNumber.text(UInt64(status.deviceID.rawValue))
    }

    /// "major:minor" of the device whose node is at `path`.
    @Sendable package static func deviceNumber(of path: FilePath) -> String? { DeviceNumber.ofNode(path) }

    /// The path without links as far as it exists.
    private static func resolved(_ path: FilePath) -> FilePath {
        let existing = path.nearestExisting
        guard let real = existing.withPlatformString({ realpath($0, nil) }) else { return path }
        defer { free(real) }
        let isBelow = path.starts(with: existing)
        return FilePath(platformString: real).appending(
            path.components.dropFirst(isBelow ? existing.components.count : 0))
    }
}

extension FilePath {
    /// The path itself, or the nearest directory above it that exists; "." for a relative path of which nothing does.
    fileprivate var nearestExisting: FilePath {
        var current = self
        while !current.isEmpty {
            if (try? current.stat()) != nil { return current }
            guard current.removeLastComponent() else { break }
        }
        return isAbsolute ? "/" : "."
    }
}

extension Failure.Code {
    package static let notAWholeDisk = Failure.Code("cards.not-a-whole-disk")
    package static let systemDisk = Failure.Code("cards.system-disk")
    package static let mounted = Failure.Code("cards.mounted")
    package static let swapDevice = Failure.Code("cards.swap")
    package static let heldDevice = Failure.Code("cards.held")
    package static let sourceDisk = Failure.Code("cards.source-disk")
    package static let tooSmall = Failure.Code("cards.too-small")
    package static let wrongSectorSize = Failure.Code("cards.sector-size")
    package static let notACard = Failure.Code("cards.not-a-card")
    /// What is mounted could not be read.
    package static let useUnknown = Failure.Code("cards.use-unknown")
}
