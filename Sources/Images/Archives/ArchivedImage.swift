import Diagnostics
import Storage

/// Where the image is in its source, and how long it will be.
struct ArchivedImage {
    enum Place {
        /// An entry of a zip that is inflated here.
        case deflated(ZipDirectory.DeflatedEntry)
        /// An entry of a zip that libarchive unpacks.
        case entry(ArchiveEntry)
        /// The only stream of a file of any other format.
        case stream
    }

    let place: Place
    /// In bytes, if the source says so before it is unpacked. Unpacking proves it.
    ///
    /// A gzip trailer has the size only modulo 2^32, and of its last member alone (RFC 1952, 2.3.1); bzip2 and most
    /// zstd frames have none.
    let size: Int64?

    /// Finds the disk image in `source`. Throws if there is none, more than one, or an encrypted one.
    static func find(in source: ImageSource) throws(Failure) -> ArchivedImage {
        switch source.format {
        case .zip: return try find(inZip: source)
        case .sevenZip, .tar: return try chosen(in: source)
        case .raw: return ArchivedImage(place: .stream, size: source.size)
        case .xz, .gzip, .bzip2, .zstd, .lz4: break
        }
        if isPackedTar(source) { return try chosen(in: source) }
        switch source.format {
        case .xz: return ArchivedImage(place: .stream, size: try XZIndex(of: source.file)?.unpackedSize)
        default: return ArchivedImage(place: .stream, size: nil)
        }
    }

    /// Whether the unpacked bytes begin as a tar archive does. A file that cannot be read is none: who unpacks it says why.
    private static func isPackedTar(_ source: ImageSource) -> Bool {
        struct Known: Error {}
        var head: [UInt8] = []
        do {
            var reader = try ArchiveReader(source, members: false)
            _ = try reader.next()
            try reader.forEachBlock { block, _, _ in
                head += block.prefix(512 - head.count)
                if head.count == 512 { throw Known() }
            }
        } catch {}
        return ImageSource.isTar(head)
    }

    /// ``ZipDirectory`` decides if it can: then libarchive does not read the archive at all.
    private static func find(inZip source: ImageSource) throws(Failure) -> ArchivedImage {
        if let directory = try ZipDirectory(of: source.file),
            let data = try directory.deflatedEntry(for: ImageEntry.choose(among: directory.entries, in: source))
        {
            return ArchivedImage(place: .deflated(data), size: data.size)
        }
        return try chosen(in: source)
    }

    /// By libarchive, which reads a compressed tar archive to its end for it.
    private static func chosen(in source: ImageSource) throws(Failure) -> ArchivedImage {
        // libarchive does not compare the checksums of gzip.
        if source.format == .gzip { try GzipFile(source).check() }
        var reader = try ArchiveReader(source, members: true)
        var entries: [ArchiveEntry] = []
        while let entry = try reader.next() { entries.append(entry) }
        let chosen = try ImageEntry.choose(among: entries, in: source)
        if chosen.isEncrypted { throw .encryptedArchive(source.path) }
        return ArchivedImage(place: .entry(chosen), size: chosen.size)
    }
}
