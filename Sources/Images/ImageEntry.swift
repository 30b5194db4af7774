import Diagnostics

/// Picks the disk image among the entries of an archive.
enum ImageEntry {
    private static let imageEndings = [".img", ".raw", ".wic", ".sdimg", ".rpi-sdimg", ".bin"]
    private static let packedEndings = [".img.xz", ".img.gz", ".img.bz2", ".img.zst", ".zip"]

    static func choose(among entries: [ArchiveReader.Entry], in source: ImageSource) throws(Failure)
        -> ArchiveReader.Entry
    {
        // A stream that packs one file has one entry, whatever it is called.
        if source.format != .zip, let only = entries.first { return only }
        let files = entries.filter { $0.isFile && !isHidden($0.name) }
        let images = files.filter { entry in imageEndings.contains { entry.name.lowercased().hasSuffix($0) } }
        if images.count == 1 { return images[0] }
        let names = (images.isEmpty ? files : images).map { "\"\($0.name)\"" }.joined(separator: ", ")
        if images.count > 1 {
            throw Failure(
                .ambiguousArchive, "\(source.path) holds several disk images: \(names)",
                hint: "unpack it and name the one you want")
        }
        if let packed = files.first(where: { entry in packedEndings.contains { entry.name.lowercased().hasSuffix($0) } }
        ) {
            throw Failure(
                .ambiguousArchive, "\(source.path) holds a packed image, \"\(packed.name)\"",
                hint: "unpack the outer archive and name what is inside")
        }
        throw Failure(
            .ambiguousArchive, "\(source.path) holds no disk image (\(names.isEmpty ? "it is empty" : names))",
            hint: "a disk image is a file that ends in .img")
    }

    /// What macOS and others leave in archives.
    private static func isHidden(_ name: String) -> Bool {
        let parts = name.split(separator: "/")
        return parts.contains("__MACOSX") || (parts.last?.hasPrefix(".") ?? true)
    }
}
