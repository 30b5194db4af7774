package import Diagnostics
import Host
import Storage
package import SystemPackage
import Text

/// Checks whether a disk may be written as a card. Each problem has a code, and no option overrides one.
package struct CardValidation: Sendable {
    /// The largest SDXC card (SD Physical Layer Specification 3.00: 2^32 sectors of 512 bytes). A larger USB disk is a
    /// hard disk; no Raspberry Pi reads SDUC cards, which may be larger. Smaller USB disks are accepted, since a Pi
    /// boots from them too; ``CardContentsSummary`` marks them before they are overwritten.
    package static let largestCard: Int64 = 2 << 40

    /// The problems after which nothing that the user could do would make the disk a card.
    package static let finalCodes: Set<Failure.Code> = [.systemDisk, .notACard, .useUnknown]

    private let tree: BlockDeviceTree
    private let use: SystemUse
    private let deviceOf: @Sendable (FilePath) -> String?
    private let numberOf: @Sendable (FilePath) -> String?

    /// - Parameters:
    ///   - deviceOf: Maps a file's path to "major:minor" of its file system; replaced in tests.
    ///   - numberOf: Maps the path of a device node to its "major:minor"; replaced in tests.
    package init(
        tree: BlockDeviceTree = BlockDeviceTree(), use: SystemUse = SystemUse(),
        deviceOf: @escaping @Sendable (FilePath) -> String? = CardValidation.fileSystemDevice,
        numberOf: @escaping @Sendable (FilePath) -> String? = CardValidation.deviceNumber
    ) {
        self.tree = tree
        self.use = use
        self.deviceOf = deviceOf
        self.numberOf = numberOf
    }

    /// The whole disk at `path`, found by its device number and never by its name. Links are followed, so the facts are
    /// those of the device that is really meant.
    package func disk(at path: FilePath) throws(Failure) -> DeviceFacts {
        try disk(numbered: numberOf(path), path: path)
    }

    /// - Parameters:
    ///   - number: "major:minor"; nil if there is no such device.
    ///   - path: What messages call it; nil for its own name.
    func disk(numbered number: String?, path: FilePath?) throws(Failure) -> DeviceFacts {
        let list = "`piflash devices` lists the cards"
        guard let number, let name = tree.name(of: number) else {
            throw Failure(
                .noSuchDevice, severity: .refused, "there is no block device \(path?.string ?? number ?? "")",
                hint: list)
        }
        let path = path ?? FilePath("/dev").appending(name)
        if let disk = tree.disk(ofPartition: name) {
            throw Failure(
                .notAWholeDisk, severity: .refused, "\(path) is a partition of /dev/\(disk), not a whole card",
                hint: "name the whole card: /dev/\(disk)")
        }
        guard let facts = tree.facts(name) else {
            throw Failure(.noSuchDevice, severity: .refused, "\(path) was removed", hint: list)
        }
        return facts
    }

    /// All problems that forbid writing to `device`.
    ///
    /// - Parameters:
    ///   - imageSize: In bytes; nil while it is unknown.
    ///   - protected: Files that must not be on the disk: the image, the cache, the recipe.
    package func problems(of device: DeviceFacts, imageSize: Int64?, protecting protected: [FilePath]) -> [Failure] {
        useProblems(of: device) + sourceProblems(of: device, protecting: protected)
            + mediumProblems(of: device, imageSize: imageSize) + kindProblems(of: device)
    }

    /// Throws all problems as one failure, if there are any.
    package func validate(_ device: DeviceFacts, imageSize: Int64?, protecting protected: [FilePath]) throws(Failure) {
        let found = problems(of: device, imageSize: imageSize, protecting: protected)
        // A disk that can never be a card must not come with advice to unmount it: only this problem's hint is shown.
        let final = found.first { Self.finalCodes.contains($0.code) }
        guard let first = final ?? found.first else { return }
        guard found.count > 1 else { throw first }
        let hints = final.map { [$0.hint] } ?? found.map(\.hint)
        throw Failure(
            first.code, severity: .refused, found.map(\.message).joined(separator: "\n"),
            hint: hints.compactMap { $0 }.joined(separator: "; "))
    }

    // MARK: Use by the system

    private func useProblems(of device: DeviceFacts) -> [Failure] {
        guard use.isKnown else {
            return [
                problem(
                    .useUnknown, device, "cannot be checked: /proc/self/mountinfo does not say what is mounted",
                    hint: "run piflash where /proc is mounted")
            ]
        }
        var found: [Failure] = []
        let mounts = use.mounts.filter { disks(under: $0).contains(device.kernelName) }
        if mounts.contains(where: { Self.systemPoints.contains($0.point) }) {
            found.append(
                problem(
                    .systemDisk, device, "is the disk this system runs from", hint: "`piflash devices` lists the cards")
            )
        }
        if !mounts.isEmpty {
            let points = Array(Set(mounts.map(\.point))).sorted()
            found.append(
                problem(
                    .mounted, device,
                    "is mounted on \(points.map(DeviceFacts.printable).joined(separator: ", "))",
                    hint: "unmount it: `umount \(points.map(shellWord).joined(separator: " "))`"))
        }
        let swaps = use.swaps.filter { path in
            number(ofNode: path).map { tree.disks(under: $0).contains(device.kernelName) } ?? false
        }
        if !swaps.isEmpty {
            found.append(
                problem(
                    .swapDevice, device, "is used for swap (\(swaps.joined(separator: ", ")))",
                    hint: "stop it with `swapoff`, if it really is a card"))
        }
        let holders = Set(device.holders + device.partitions.flatMap(\.holders)).sorted()
        if !holders.isEmpty {
            found.append(
                problem(
                    .heldDevice, device, "is held by \(holders.joined(separator: ", ")) (RAID, LVM or encryption)",
                    hint: "unmount or stop what uses it first, if it really is a card"))
        }
        return found
    }

    private static let systemPoints: Set<String> = [
        "/", "/boot", "/boot/firmware", "/boot/efi", "/efi", "/usr", "/var", "/home",
    ]

    /// The disks that a mount is stored on. btrfs reports a virtual device number, so the mounted device is checked
    /// too.
    private func disks(under mount: SystemUse.Mount) -> Set<String> {
        var found = tree.disks(under: mount.number)
        if let number = number(ofNode: mount.source), number != mount.number {
            found.formUnion(tree.disks(under: number))
        }
        return found
    }

    /// The number of a device by its path, or by its exact name if the node is missing, as in a container.
    private func number(ofNode path: String) -> String? {
        guard path.begins(with: "/dev/"), FilePath(path).lexicallyNormalized().string == path else { return nil }
        return numberOf(FilePath(path)) ?? tree.number(of: String(path.dropFirst("/dev/".count)))
    }

    // MARK: Files that must stay

    private func sourceProblems(of device: DeviceFacts, protecting protected: [FilePath]) -> [Failure] {
        protected.filter { path in
            if let number = deviceOf(path), tree.disks(under: number).contains(device.kernelName) { return true }
            // stat(2) of a file in a btrfs subvolume returns a number that sysfs does not list: its mount is checked
            // too.
            let real = Self.resolved(path)
            let longest = use.mounts.filter { real.starts(with: FilePath($0.point)) }
                .max { FilePath($0.point).components.count < FilePath($1.point).components.count }
            if let longest, disks(under: longest).contains(device.kernelName) { return true }
            // The disk is a loop device over the file itself.
            return device.backingFile.map { Self.resolved(FilePath($0)) == real } ?? false
        }.map {
            problem(.sourceDisk, device, "holds \($0)", hint: "move that file to another disk, or choose another card")
        }
    }

    // MARK: Kind and medium

    private func mediumProblems(of device: DeviceFacts, imageSize: Int64?) -> [Failure] {
        guard device.size > 0 else { return [problem(.noMedium, device, "has no card in it", hint: "insert a card")] }
        var found: [Failure] = []
        if let imageSize, device.size < imageSize {
            found.append(
                problem(
                    .tooSmall, device,
                    "is too small: it holds \(Self.size(device.size)), the image has \(Self.size(imageSize))",
                    hint: "use a larger card"))
        }
        if device.isReadOnly {
            found.append(
                problem(
                    .writeProtected, device, "is write-protected",
                    hint: "slide the card's lock switch away from LOCK, or try another reader"))
        }
        if device.sectorSize != 512 {
            found.append(
                problem(
                    .wrongSectorSize, device,
                    "has sectors of \(device.sectorSize) bytes; card images are made for 512",
                    hint: "use an SD card in a USB or built-in reader"))
        }
        return found
    }

    private func kindProblems(of device: DeviceFacts) -> [Failure] {
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
        return reason.map { [problem(.notACard, device, $0, hint: hint)] } ?? []
    }

    private func problem(_ code: Failure.Code, _ device: DeviceFacts, _ text: String, hint: String) -> Failure {
        Failure(code, severity: .refused, "\(device.path) \(text)", hint: hint)
    }

    /// Readable and exact: rounded alone, a card that is one sector too small would show the image's size.
    private static func size(_ bytes: Int64) -> String {
        bytes < 1024 ? formatBytes(bytes) : "\(formatBytes(bytes)) (\(bytes) bytes)"
    }
}

extension CardValidation {
    /// "major:minor" of the file system that `path`, or its nearest parent that exists, is in.
    @Sendable package static func fileSystemDevice(of path: FilePath) -> String? {
        guard let status = try? resolved(path).nearestExisting.stat() else { return nil }
        return DeviceNumber(UInt64(status.deviceID.rawValue)).description
    }

    /// "major:minor" of the device whose node is at `path`.
    @Sendable package static func deviceNumber(of path: FilePath) -> String? {
        DeviceNumber(ofNode: path)?.description
    }

    /// The path with links resolved, as far as it exists.
    private static func resolved(_ path: FilePath) -> FilePath {
        let existing = path.nearestExisting
        guard let real = existing.resolvingLinks else { return path }
        let isBelow = path.starts(with: existing)
        return real.appending(path.components.dropFirst(isBelow ? existing.components.count : 0))
    }
}

extension FilePath {
    /// The path itself, or the nearest directory above it that exists; "." if no part of a relative path exists.
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
    /// The list of mounts could not be read.
    package static let useUnknown = Failure.Code("cards.use-unknown")
}
