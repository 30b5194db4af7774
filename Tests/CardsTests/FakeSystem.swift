import Cards
import Foundation
import Synchronization
import SystemPackage
import TestSupport

/// A tree of sysfs and procfs files, laid out as Linux does: /sys/class/block holds links into /sys/devices.
final class FakeSystem {
    static let usb = "pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0"
    static let ata = "pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0"
    static let nvme = "pci0000:00/0000:00:1d.0/nvme/nvme0"
    static let mmc = "platform/sdhci.0/mmc_host/mmc0/mmc0:aaaa"

    let scratch = ScratchDirectory()
    private var mountLines = ["23 1 0:22 / /sys rw - sysfs sysfs rw"]
    private var swapLines = ["Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority"]
    private var links: [String: String] = [:]
    private var files: [String: String] = [:]

    var tree: BlockDeviceTree { BlockDeviceTree(sysfs: scratch["sys"]) }

    var validation: CardValidation {
        scratch.write(mountLines.joined(separator: "\n") + "\n", to: "proc/self/mountinfo")
        scratch.write(swapLines.joined(separator: "\n") + "\n", to: "proc/swaps")
        return CardValidation(
            tree: tree, use: SystemUse(procfs: scratch["proc"]),
            deviceOf: { [files] in files[$0.string] },
            numberOf: { [links, tree] path in
                let target = links[path.string] ?? path.string
                guard target.hasPrefix("/dev/") else { return nil }
                return tree.number(of: String(target.dropFirst("/dev/".count)))
            })
    }

    /// Adds a whole disk; `below` is its place in /sys/devices.
    func disk(
        _ name: String, _ number: String, below: String, size: Int64 = 32 << 30, attributes: [String: String] = [:],
        parent: String = "block/"
    ) {
        let directory = "sys/devices/\(below)/\(parent)\(name)"
        let all = [
            "dev": number, "size": "\(size / 512)", "removable": "1", "ro": "0", "queue/logical_block_size": "512",
        ].merging(attributes) { $1 }
        for (key, value) in all { scratch.write(value + "\n", to: "\(directory)/\(key)") }
        link(name, to: "../../devices/\(below)/\(parent)\(name)")
        for folder in ["holders", "slaves"] { makeDirectory("\(directory)/\(folder)") }
    }

    func partition(_ name: String, _ number: String, of disk: String, index: Int) {
        let directory = place(of: disk) + "/" + name
        scratch.write(number + "\n", to: "sys/\(directory)/dev")
        scratch.write("\(index)\n", to: "sys/\(directory)/partition")
        makeDirectory("sys/\(directory)/holders")
        link(name, to: "../../" + directory)
    }

    /// Adds a device-mapper or RAID device that uses `lower`.
    func stacked(_ name: String, _ number: String, on lower: [String]) {
        disk(name, number, below: "virtual", attributes: ["removable": "0"])
        for below in lower {
            scratch.write("", to: "sys/\(place(of: below))/holders/\(name)")
            scratch.write("", to: "sys/\(place(of: name))/slaves/\(below)")
        }
    }

    func usbCard(_ name: String = "sdb", _ number: String = "8:16", size: Int64 = 32 << 30) {
        disk(
            name, number, below: Self.usb, size: size,
            attributes: ["device/vendor": "Generic-", "device/model": "SD/MMC          "])
        partition(name + "1", "\(number)1", of: name, index: 1)
    }

    func mount(_ number: String, on point: String, source: String, root: String = "/") {
        mountLines.append("40 1 \(number) \(root) \(point) rw,relatime shared:1 - ext4 \(source) rw")
    }

    /// The root file system of a usual machine: on an NVMe disk.
    func usualRoot() {
        disk("nvme0n1", "259:0", below: Self.nvme, attributes: ["removable": "0"], parent: "")
        partition("nvme0n1p1", "259:1", of: "nvme0n1", index: 1)
        mount("259:1", on: "/", source: "/dev/nvme0n1p1")
    }

    func swap(_ path: String) { swapLines.append("\(path)\tpartition\t1024\t0\t-2") }
    func alias(_ path: String, to device: String) { links[path] = device }
    func file(_ path: String, on number: String) { files[path] = number }
    func loseMounts() { mountLines = [] }

    func codes(_ name: String, imageSize: Int64? = 1 << 30, protecting: [FilePath] = []) throws -> Set<String> {
        Set(try problems(name, imageSize: imageSize, protecting: protecting).map(\.code.rawValue))
    }

    func place(of name: String) -> String {
        let target = try! FileManager.default.destinationOfSymbolicLink(
            atPath: scratch["sys/class/block/\(name)"].string)
        return String(target.dropFirst("../../".count))
    }

    private func link(_ name: String, to target: String) {
        makeDirectory("sys/class/block")
        try! FileManager.default.createSymbolicLink(
            atPath: scratch["sys/class/block/\(name)"].string, withDestinationPath: target)
    }

    private func makeDirectory(_ path: String) {
        try! FileManager.default.createDirectory(atPath: scratch[path].string, withIntermediateDirectories: true)
    }
}

import Diagnostics

extension FakeSystem {
    func problems(_ name: String, imageSize: Int64? = 1 << 30, protecting: [FilePath] = []) throws -> [Failure] {
        guard let facts = tree.facts(name) else { throw Failure(.system, "the fake has no \(name)") }
        return validation.problems(of: facts, imageSize: imageSize, protecting: protecting)
    }
}
