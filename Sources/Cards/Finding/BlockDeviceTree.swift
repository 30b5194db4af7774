import Text
import Diagnostics
import Host
import FoundationEssentials
package import SystemPackage

/// The block devices that sysfs lists, and which of them use which.
package struct BlockDeviceTree: Sendable {
    private let block: FilePath

    /// `sysfs` is /sys, except in tests.
    package init(sysfs: FilePath = "/sys") { block = sysfs.appending("class").appending("block") }

    /// Every whole disk that could be a card: no RAM disks, device-mapper devices, RAID devices or unused loop devices.
    package func disks() -> [DeviceFacts] {
        names().filter { isWholeDisk($0) && !isVirtual($0) }.compactMap(facts).filter {
            $0.bus != .loop || $0.backingFile != nil
        }
    }

    /// The facts of the disk that the kernel calls `name`; nil if there is none.
    package func facts(_ name: String) -> DeviceFacts? {
        let directory = block.appending(name)
        guard isWholeDisk(name), let number = text(directory, "dev") else { return nil }
        let bus = bus(of: name)
        return DeviceFacts(
            kernelName: name, number: number,
            // The size file counts in units of 512 bytes, whatever the sector size is (Documentation/ABI, sysfs-block).
            size: (text(directory, "size").flatMap(Int64.init) ?? 0) * 512,
            sectorSize: text(directory, "queue/logical_block_size").flatMap(Int.init) ?? 512,
            model: text(directory, "device/model") ?? text(directory, "device/name"),
            vendor: bus == .virtio ? nil : text(directory, "device/vendor"),
            serial: text(directory, "device/serial") ?? usbSerial(of: directory), cid: text(directory, "device/cid"),
            bus: bus,
            // The MMC core writes "MMC" for eMMC and "SD" for SD cards.
            isBuiltIn: bus == .mmc && text(directory, "device/type") == "MMC",
            isRemovable: text(directory, "removable") == "1", isReadOnly: text(directory, "ro") == "1",
            partitions: partitions(of: name), holders: children(directory.appending("holders")),
            backingFile: raw(directory, "loop/backing_file").map {
                // Only the last line break is not part of the name.
                $0.hasSuffix("\n") ? String($0.dropLast()) : $0
            }, sequence: text(directory, "diskseq"), port: port(of: name))
    }

    /// The request queue of the disk that the kernel calls `name`; nil if sysfs does not describe it.
    package func queue(of name: String) -> DeviceQueue? {
        let directory = block.appending(name)
        func number(_ file: String) -> Int? { text(directory, "queue/\(file)").flatMap(Int.init) }
        guard let kilobytes = number("max_sectors_kb"), let requests = number("nr_requests") else { return nil }
        return DeviceQueue(
            largestRequest: kilobytes << 10, requests: requests, preferredLength: number("optimal_io_size") ?? 0)
    }

    /// The whole disks that the device with `number` ("major:minor") is stored on, through partitions, RAID,
    /// encryption.
    package func disks(under number: String) -> Set<String> {
        // Major number 0 is for file systems without a device (Documentation/admin-guide/devices.txt).
        guard !number.begins(with: "0:"), let start = name(of: number) else { return [] }
        var found: Set<String> = []
        var open = [start]
        var seen: Set<String> = []
        while let name = open.popLast() {
            guard seen.insert(name).inserted else { continue }
            let slaves = children(block.appending(name).appending("slaves"))
            open += slaves
            if let disk = disk(ofPartition: name) {
                open.append(disk)
            } else if slaves.isEmpty {
                found.insert(name)
            }
        }
        return found
    }

    /// The kernel's name of the device with `number`.
    package func name(of number: String) -> String? { names().first { text(block.appending($0), "dev") == number } }

    /// The number of the device that the kernel calls `name`.
    package func number(of name: String) -> String? { text(block.appending(name), "dev") }

    /// The disk that the partition `name` is on; nil if `name` is a disk.
    package func disk(ofPartition name: String) -> String? {
        guard text(block.appending(name), "partition") != nil else { return nil }
        // /sys/class/block/sdb1 is a link to …/block/sdb/sdb1.
        guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: block.appending(name).string)
        else {
            return nil
        }
        return FilePath(target).removingLastComponent().lastComponent?.string
    }

    private func names() -> [String] { children(block) }

    private func isWholeDisk(_ name: String) -> Bool { text(block.appending(name), "partition") == nil }

    private func isVirtual(_ name: String) -> Bool {
        // A driver's name is followed by a number: "mdadm" would belong to another driver than "md".
        for kind in ["ram", "zram", "dm-", "md", "md_d", "nbd", "sr", "fd"] where name.hasPrefix(kind) {
            if name.dropFirst(kind.count).allSatisfy(\.isNumber) { return true }
        }
        // "mmcblk0boot0" and similar devices are parts of an eMMC that hold boot loaders and keys.
        return name.hasPrefix("mmcblk") && bus(of: name) != .mmc
    }

    private func partitions(of disk: String) -> [DeviceFacts.PartitionFacts] {
        let directory = block.appending(disk)
        return children(directory).filter { text(directory, "\($0)/partition") != nil }.compactMap { name in
            text(directory, "\(name)/dev").map {
                DeviceFacts.PartitionFacts(
                    kernelName: name, number: $0, holders: children(directory.appending(name).appending("holders")))
            }
        }
    }

    /// The bus, from the device's path in sysfs: a card in a USB reader is a SCSI disk below a USB device.
    private func bus(of name: String) -> DeviceFacts.Bus {
        if name.hasPrefix("loop") { return .loop }
        if name.hasPrefix("mmcblk") { return name.dropFirst("mmcblk".count).allSatisfy(\.isNumber) ? .mmc : .other }
        if name.hasPrefix("nvme") { return .nvme }
        if name.hasPrefix("vd") { return .virtio }
        let path = block.appending(name)
        let resolved = (try? FileManager.default.destinationOfSymbolicLink(atPath: path.string)) ?? ""
        let parts = resolved.split(at: "/")
        if parts.contains(where: { $0.hasPrefix("usb") }) { return .usb }
        if parts.contains(where: { $0.hasPrefix("ata") }) { return .ata }
        if parts.contains(where: { $0.hasPrefix("virtio") }) { return .virtio }
        return name.hasPrefix("sd") ? .scsi : .other
    }

    /// Where the device is plugged in, from its path in sysfs. Host and disk numbers change each time a reader is
    /// plugged in; the USB port with its interface ("1-2:1.0") and the slot (the SCSI logical unit) do not.
    private func port(of name: String) -> String {
        let path = block.appending(name)
        let resolved = (try? FileManager.default.destinationOfSymbolicLink(atPath: path.string)) ?? ""
        let parts = resolved.split(at: "/").map(String.init)
        if let port = parts.last(where: { $0.wholeMatch(of: /[0-9]+-[0-9.]+:[0-9.]+/) != nil }) {
            let slot = parts.last { $0.wholeMatch(of: /[0-9]+:[0-9]+:[0-9]+:[0-9]+/) != nil }
            return port + (slot.flatMap { $0.split(at: ":").last }.map { "/\($0)" } ?? "")
        }
        if let host = parts.last(where: { $0.wholeMatch(of: /mmc[0-9]+/) != nil }) { return host }
        return name
    }

    /// Makes the kernel check for inserted and removed media in readers that it does not poll: opening a reader does
    /// so.
    package func askReaders() {
        // -1 means the default, which udev sets; 0 means never (Documentation/ABI, sysfs-block).
        let standard = KernelFile.text("/sys/module/block/parameters/events_dfl_poll_msecs").map(DeviceFacts.printable)
        for name in names() where isWholeDisk(name) && !isVirtual(name) && bus(of: name) == .usb {
            let own = text(block.appending(name), "events_poll_msecs") ?? "0"
            guard own == "0" || own == "-1" && standard == "0" else { continue }
            let path = FilePath("/dev").appending(name)
            guard let device = try? DeviceOpener.open(path, .probe) else { continue }
            try? device.close()
        }
    }

    /// A USB reader's serial number is some directories above its disk.
    private func usbSerial(of directory: FilePath) -> String? {
        guard let link = try? FileManager.default.destinationOfSymbolicLink(atPath: directory.string) else {
            return nil
        }
        var current = directory.removingLastComponent().pushing(FilePath(link)).lexicallyNormalized()
        for _ in 0..<10 {
            if text(current, "busnum") != nil { return text(current, "serial") }
            guard current.removeLastComponent(), current.components.count > 2 else { return nil }
        }
        return nil
    }

    private func children(_ directory: FilePath) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []).sorted()
    }

    private func text(_ directory: FilePath, _ name: String) -> String? {
        raw(directory, name).map(DeviceFacts.printable)
    }

    private func raw(_ directory: FilePath, _ name: String) -> String? {
        let path = directory.appending(name.split(at: "/").compactMap { FilePath.Component(String($0)) })
        return KernelFile.text(path)
    }
}
