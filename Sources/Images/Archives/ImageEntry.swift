import Text
import Diagnostics

/// Chooses the disk image among the entries of an archive.
enum ImageEntry {
    private static let imageEndings = [".img", ".raw", ".wic", ".sdimg", ".rpi-sdimg", ".bin"]
    private static let packedEndings = [".xz", ".gz", ".bz2", ".zst", ".zip", ".7z", ".rar", ".tar", ".tgz"]

    /// Other files that vendors put into an image's archive.
    private static let companionEndings = [
        ".txt", ".md", ".pdf", ".html", ".htm", ".json", ".xml", ".bmap", ".info", ".nfo", ".url", ".asc", ".sig",
        ".md5", ".sha1", ".sha256", ".sha512",
    ]
    private static let companionBeginnings = ["readme", "license", "copying", "changelog", "md5sum", "sha256sum"]

    /// Files of a Pi's boot partition, whose names end as those of images do, or that show what an archive is.
    private static let firmware: Set<String> = [
        "bootcode.bin", "bootcode4.bin", "recovery.bin", "pieeprom.bin", "pieeprom.upd", "vl805.bin", "vl805.sig",
        "pieeprom.sig", "start.elf", "start4.elf", "recovery.elf", "recovery4.elf", "recovery.img", "recovery7.img",
        "recovery7l.img", "recovery8.img", "recovery.rfs", "kernel.img", "kernel7.img", "kernel7l.img", "kernel8.img",
        "kernel_2712.img", "initrd.img", "boot.img", "riscos.img",
    ]

    static func choose(among entries: [ArchiveEntry], in source: ImageSource) throws(Failure) -> ArchiveEntry {
        let files = entries.filter { $0.isFile && !isHidden($0.name) }
        let hasFirmware = files.contains { isFirmware($0.name) }
        // Beside firmware, a .bin is a part of it: NOOBS has one of RISC OS.
        let endings = hasFirmware ? imageEndings.filter { $0 != ".bin" } : imageEndings
        let images = files.filter { entry in
            endings.contains { entry.name.lowercased().hasSuffix($0) } && !isFirmware(entry.name)
        }
        if images.count == 1 { return images[0] }
        let names = (images.isEmpty ? files : images).map { "\"\($0.name)\"" }.joined(separator: ", ")
        if images.count > 1 {
            throw Failure(
                .ambiguousArchive, "\(source.path) contains several disk images: \(names)",
                hint: "unpack it, and name the image that you want")
        }
        if hasFirmware { throw filesForCard(files, in: source) }
        let others = files.filter { !isCompanion($0.name) }
        // Its name does not say that it is an image; its first bytes will.
        if images.isEmpty, others.count == 1, !isPacked(others[0].name) { return others[0] }
        if let packed = files.first(where: { isPacked($0.name) }) {
            throw Failure(
                .ambiguousArchive, "\(source.path) contains a compressed image, \"\(packed.name)\"",
                hint: "unpack the outer archive, and name the image inside it")
        }
        throw Failure(
            .ambiguousArchive, "\(source.path) contains no disk image (\(names.isEmpty ? "it is empty" : names))",
            hint: "a disk image is a file that ends in .img")
    }

    private static func isFirmware(_ name: String) -> Bool { firmware.contains(lastPart(name)) }

    private static func lastPart(_ name: String) -> String {
        (name.lowercased().split(at: "/").last).map { String($0) } ?? ""
    }

    /// An archive whose files belong on the FAT file system of a card, and are no image of one.
    private static func filesForCard(_ files: [ArchiveEntry], in source: ImageSource) -> Failure {
        let names = Set(files.map { lastPart($0.name) })
        let what: String
        if names.contains("recovery.rfs")
            || names.contains(where: { $0.begins(with: "recovery7") || $0 == "recovery.img" })
        {
            what = "the installer NOOBS or PINN"
        } else if names.contains("pieeprom.bin") || names.contains("pieeprom.upd") || names == ["recovery.bin"] {
            what = "an update of a Pi's boot EEPROM"
        } else {
            what = "the files of a boot partition, such as those of a network installer"
        }
        return Failure(
            .notAnImage, "\(source.path) contains \(what), not a disk image",
            hint: "download the image (.img) of the system itself")
    }

    private static func isPacked(_ name: String) -> Bool {
        packedEndings.contains { name.lowercased().hasSuffix($0) }
    }

    private static func isCompanion(_ name: String) -> Bool {
        let last = lastPart(name)
        return companionEndings.contains { last.hasSuffix($0) } || companionBeginnings.contains { last.hasPrefix($0) }
    }

    /// Files that macOS and other systems leave in archives.
    private static func isHidden(_ name: String) -> Bool {
        let parts = name.split(at: "/")
        return parts.contains("__MACOSX") || (parts.last?.begins(with: ".") ?? true)
    }
}
