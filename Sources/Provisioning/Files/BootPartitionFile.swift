import Text
import Filesystems
import Systems

/// The recipe's files for the boot partition: their names there, and the names that they cannot have.
enum BootPartitionFile {
    /// Where images mount the boot partition; the longer path first.
    private static let mountPoints = ["/boot/firmware/", "/boot/"]

    /// The path of a recipe's file relative to the partition's root, wherever the image mounts it.
    static func relative(_ path: String) -> String {
        mountPoints.first { path.hasPrefix($0) }.map { String(path.dropFirst($0.count)) } ?? path
    }

    /// What is wrong with a recipe's file at `path` below /boot on every image; nil if nothing is.
    static func problem(_ path: String) -> String? {
        if mountPoints.contains(path + "/") { return "\(path) is a directory of the system: name a file in it" }
        let name = relative(path)
        if let problem = nameProblem(name) { return "\(path): \(problem)" }
        return reason(name.lowercased()).map { "\(path) is not for a file of yours: \($0)" }
    }

    /// Whether a card's record may name the file for removal: a name that ``problem(_:)`` allows.
    static func isRemovable(_ path: String) -> Bool {
        let components = path.split(at: "/", omittingEmptySubsequences: false)
        return components.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." } && problem("/boot/" + path) == nil
            && relative("/boot/" + path) == path
    }

    // MARK: Names

    /// What FAT cannot hold (Microsoft's FAT specification, "Long Directory Entries").
    private static func nameProblem(_ path: String) -> String? {
        for name in path.split(at: "/", omittingEmptySubsequences: false) {
            if name.isEmpty { return "it is the boot partition itself: name a file in it" }
            if name.utf16.count > 255 { return "\"\(name)\" has more than 255 characters, which FAT cannot hold" }
            if let scalar = name.unicodeScalars.first(where: {
                $0.value < 0x20 || "\"*:<>?\\|\u{7F}\u{FFFE}\u{FFFF}".unicodeScalars.contains($0)
            }) {
                return "FAT does not allow \(scalar.debugDescription) in names"
            }
            if name.ends(with: " ") || name.ends(with: ".") { return "FAT drops blanks and dots at the end of names" }
        }
        return nil
    }

    /// What piflash or the system's own first boot writes on the boot partition of one flavour or another.
    private static let firstBoot: Set<String> = Set(
        [
            BootPath.metaData, BootPath.userData, BootPath.networkConfiguration, BootPath.occidentalis,
            BootPath.deviceInit, BootPath.dietPi, BootPath.dietPiWiFi, BootPath.sysconf, BootPath.fakeClock,
            "vendor-data", "custom.toml", "userconf", "userconf.txt", "ssh", "ssh.txt", "wpa_supplicant.conf",
            FirstRunScript.name, FirstRunScript.triesPath, "firstrun.log",
        ].map { $0.lowercased() })

    /// The names of firmware, kernels, and what describes the image.
    private static func isVendors(_ name: String) -> Bool {
        let last = name.split(at: "/").last.map(String.init) ?? name
        let starts = [
            "kernel", "vmlinu", "initrd", "initramfs", "bootcode", "start", "fixup", "armstub", "u-boot", "uboot",
            "licen",
            "copying", "readme",
        ]
        let ends = [".elf", ".dat", ".bin", ".dtb", ".dtbo", ".img", ".scr", ".sig"]
        return ["overlays/", "current/", "new/", "old/"].contains { name.hasPrefix($0) }
            || [BootPath.osRelease, BootPath.issue, "overlays", "current"].contains(name)
            || starts.contains { last.hasPrefix($0) } || ends.contains { last.hasSuffix($0) }
    }

    /// Why the recipe cannot have a file of this name, in lower case.
    private static func reason(_ name: String) -> String? {
        if name == BootPath.configuration {
            return
                "it would replace the vendor's config.txt, without which the Pi may not boot; first_boot.run can add lines"
        }
        if [BootPath.commandLine, BootPath.currentCommandLine].contains(name) {
            return
                "it would replace the vendor's \(name), without which the Pi does not boot; first_boot.run can add words"
        }
        if name == "piflash" || name.begins(with: "piflash/") { return "piflash's own files are made from the recipe" }
        if firstBoot.contains(name) { return "the first boot reads it, and piflash makes it from the recipe" }
        return isVendors(name) ? "files of the firmware and the kernel are the vendor's; take another name" : nil
    }
}
