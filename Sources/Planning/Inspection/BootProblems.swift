import Text
import Diagnostics
import Filesystems
import Storage
import Systems

/// Why a Pi would not boot from a card, as far as its partition table and files show; each for people, with what was found
/// and what was expected.
struct BootProblems: Sendable {
    private(set) var texts: [String] = []

    /// - Parameter root: the root partition's contents; nil if they could not be read.
    init(of store: some BlockStore, table: PartitionTable, boot: BootSnapshot, root: RootSnapshot?) throws(Failure) {
        checkFirmware(boot)
        checkKernel(boot)
        checkCommandLine(boot, table, root)
        checkMounts(root, table)
        for partition in table.partitions {
            guard let size = try Ext4Size.claimed(in: store, at: partition.range.lowerBound),
                size > Int64(partition.range.count)
            else { continue }
            texts.append(
                "partition \(partition.number): its \(partition.filesystem?.type ?? "ext4") file system has "
                    + "\(size) bytes (\(formatBytes(size))), the partition only \(partition.range.count) "
                    + "(\(formatBytes(Int64(partition.range.count)))): the kernel does not mount it")
        }
    }

    // MARK: The boot partition

    /// What a Pi reads first (raspberrypi.com, "Boot folder contents"): bootcode.bin and start*.elf before the Pi 4, start4*.elf
    /// on it; a Pi 5 has both in its flash memory, and needs a device tree. UEFI and Ubuntu's directories are not looked into.
    private mutating func checkFirmware(_ boot: BootSnapshot) {
        guard !["EFI/", "current/", "RPI_EFI.fd"].contains(where: boot.has) else { return }
        let names = boot.names.map { $0.lowercased() }
        let hasLoader = names.contains("bootcode.bin")
        let programs = names.filter { $0.hasPrefix("start") && $0.ends(with: ".elf") }
        let hasFour = programs.contains { $0.hasPrefix("start4") }
        let hasFive = names.contains { $0.hasPrefix("bcm2712") && $0.ends(with: ".dtb") }
        guard !hasFour, !hasFive, !(hasLoader && !programs.isEmpty) else { return }
        let found = ([hasLoader ? "bootcode.bin" : nil].compactMap { $0 } + programs.sorted()).joined(separator: ", ")
        texts.append(
            "the boot partition has the firmware of no Pi: found \(found.isEmpty ? "none of its files" : found); a Pi 1 to 3 "
                + "needs bootcode.bin and start.elf, a Pi 4 start4.elf, a Pi 5 bcm2712*.dtb")
    }

    /// A kernel in a directory is not looked for.
    private mutating func checkKernel(_ boot: BootSnapshot) {
        guard !["EFI/", "current/", "RPI_EFI.fd"].contains(where: boot.has) else { return }
        let settings = (boot.text(BootPath.configuration) ?? "").split(whereSeparator: \.isNewline).map { line in
            line.prefix { $0 != "#" }.filter { !$0.isWhitespace }
        }
        guard !settings.contains(where: { $0.begins(with: "os_prefix=") }) else { return }
        let named = settings.filter { $0.begins(with: "kernel=") }.map { String($0.dropFirst("kernel=".count)) }
        if !named.isEmpty {
            guard !named.contains(where: { $0.contains(scalar: "/") || boot.has($0) }) else { return }
            texts.append(
                "config.txt names the kernel \(named.joined(separator: ", ")), which is not on the boot partition")
        } else if !boot.names.contains(where: Self.isKernel) {
            texts.append("the boot partition has no kernel: neither config.txt names one, nor is there a kernel*.img")
        }
    }

    private static func isKernel(_ name: String) -> Bool {
        let name = name.lowercased()
        return name.hasPrefix("kernel") && name.ends(with: ".img")
            || ["vmlinuz", "vmlinux", "zimage", "image", "u-boot", "uboot"].contains(where: name.hasPrefix)
    }

    // MARK: The kernel command line and the mounts

    private mutating func checkCommandLine(_ boot: BootSnapshot, _ table: PartitionTable, _ root: RootSnapshot?) {
        guard boot.text(BootPath.commandLine) != nil || boot.text(BootPath.currentCommandLine) != nil else {
            return texts.append("there is no \(BootPath.commandLine) on the boot partition")
        }
        guard !boot.commandLine.isEmpty else { return texts.append("\(BootPath.commandLine) is empty") }
        // The kernel uses the last of each.
        if let word = boot.commandLine.last(where: { $0.begins(with: "root=") }),
            let problem = table.problem(withName: String(word.dropFirst("root=".count)))
        {
            texts.append("\(BootPath.commandLine) has \(word), but \(problem)")
        }
        let start = "init=\(RootPath.firstBoot)"
        if let root, boot.commandLine.last(where: { $0.begins(with: "init=") }) == start, !root.has(RootPath.firstBoot)
        {
            texts.append("\(BootPath.commandLine) has \(start), but that program is not in the root partition")
        }
    }

    /// systemd stops at a partition of /etc/fstab that does not come (systemd.mount(5), nofail).
    private mutating func checkMounts(_ root: RootSnapshot?, _ table: PartitionTable) {
        for line in (root?.text(RootPath.fileSystemTable) ?? "").split(whereSeparator: \.isNewline) {
            let fields = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard fields.count >= 4, !fields[0].begins(with: "#"),
                ["/", "/boot", "/boot/firmware"].contains(fields[1]),
                !fields[3].split(at: ",").contains(where: { $0 == "nofail" || $0 == "noauto" }),
                let problem = table.problem(withName: fields[0])
            else { continue }
            texts.append("\(RootPath.fileSystemTable) mounts \(fields[0]) at \(fields[1]), but \(problem)")
        }
    }
}

extension PartitionTable {
    /// Why no partition of the table has `name`, a device or a tag as `root=` and fstab(5) have them; nil if one has it, or if
    /// the table cannot tell.
    func problem(withName name: String) -> String? {
        let name = name.filter { $0 != "\"" }
        let forms: [(prefix: String, title: String, value: (Partition) -> String?)] = [
            ("PARTUUID=", "PARTUUIDs", { $0.uuid }), ("/dev/disk/by-partuuid/", "PARTUUIDs", { $0.uuid }),
            ("UUID=", "UUIDs", { $0.filesystem?.uuid }), ("/dev/disk/by-uuid/", "UUIDs", { $0.filesystem?.uuid }),
            ("LABEL=", "labels", { $0.filesystem?.label }), ("/dev/disk/by-label/", "labels", { $0.filesystem?.label }),
        ]
        for form in forms where name.hasPrefix(form.prefix) {
            let wanted = name.dropFirst(form.prefix.count).prefix { $0 != "/" }
            let isCaseSensitive = form.title == "labels"
            let known = partitions.compactMap(form.value)
            let isKnown = known.contains { isCaseSensitive ? $0 == wanted : $0.lowercased() == wanted.lowercased() }
            if isKnown { return nil }
            return
                "the \(form.title) of its partitions are \(known.isEmpty ? "unknown" : known.joined(separator: ", "))"
        }
        guard let number = Self.number(ofDevice: name), !partitions.contains(where: { $0.number == number }) else {
            return nil
        }
        return "its partitions are \(partitions.map { "\($0.number)" }.joined(separator: ", "))"
    }

    /// 2 for /dev/mmcblk0p2, /dev/nvme0n1p2 and /dev/sda2; nil for anything else, which may be a device of its own.
    private static func number(ofDevice name: String) -> Int? {
        guard let match = name.wholeMatch(of: /\/dev\/(?:mmcblk[0-9]+p|nvme[0-9]+n[0-9]+p|sd[a-z])([0-9]+)/) else {
            return nil
        }
        return Int(match.1)
    }
}
