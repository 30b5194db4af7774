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

    static func choose(among entries: [ArchiveEntry], in source: ImageSource) throws(Failure) -> ArchiveEntry {
        let files = entries.filter { $0.isFile && !isHidden($0.name) }
        let images = files.filter { entry in imageEndings.contains { entry.name.lowercased().hasSuffix($0) } }
        if images.count == 1 { return images[0] }
        let names = (images.isEmpty ? files : images).map { "\"\($0.name)\"" }.joined(separator: ", ")
        if images.count > 1 {
            throw Failure(
                .ambiguousArchive, "\(source.path) contains several disk images: \(names)",
                hint: "unpack it, and name the image that you want")
        }
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

    private static func isPacked(_ name: String) -> Bool {
        packedEndings.contains { name.lowercased().hasSuffix($0) }
    }

    private static func isCompanion(_ name: String) -> Bool {
        let last = name.lowercased().split(at: "/").last ?? ""
        return companionEndings.contains { last.hasSuffix($0) } || companionBeginnings.contains { last.hasPrefix($0) }
    }

    /// Files that macOS and other systems leave in archives.
    private static func isHidden(_ name: String) -> Bool {
        let parts = name.split(at: "/")
        return parts.contains("__MACOSX") || (parts.last?.begins(with: ".") ?? true)
    }
}
