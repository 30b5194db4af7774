import Crypto
import Diagnostics
import Host
import Storage
import SystemPackage

/// From a source file to a file of its unpacked bytes.
extension ImageCache {
    func unpack(
        _ source: ImageSource, to part: FilePath, events: (ImageEvent) -> Void, isCancelled: () -> Bool
    ) throws(Failure) -> String {
        let chosen = try entry(of: source)
        // Sparse as it is kept, an image takes at least about as much as its packed form.
        try makeRoom(for: source.storedSize, source: source, events: events)
        let writer = try SparseWriter(creating: part, checksums: source.format == .gzip)
        do { try user.own(part) } catch { throw .system("giving \(part) to its user", error) }
        var reader = try ArchiveReader(source)
        while let entry = try reader.next() {
            guard entry.index == chosen.index else { continue }
            do {
                try copy(&reader, to: writer, source: source, events: events, isCancelled: isCancelled)
                try reader.checkEnd(of: source)
            } catch let failure as Failure {
                throw failure
            } catch {
                throw Failure(.system, "unpacking \(source.path): \(error)")
            }
            break
        }
        try checkHead(writer, source)
        guard writer.count > 0 else {
            throw Failure(.notAnImage, "\(source.path) unpacks to nothing", hint: "download it again")
        }
        if let size = chosen.size, writer.count != size {
            throw Failure(
                .truncatedArchive, "\(source.path) holds \(writer.count) of \(size) bytes", hint: "download it again")
        }
        guard writer.count % 512 == 0 else {
            throw Failure(
                .truncatedArchive,
                "\(source.path) unpacks to \(writer.count) bytes, which are no whole number of sectors",
                hint: "the image is truncated: download it again")
        }
        events(.unpacking(done: source.size, total: source.size))
        let digest = try writer.finish()
        if source.format == .gzip { try GzipTrailer(of: source).check(writer.checksum, count: writer.count) }
        return digest
    }

    func copy(
        _ reader: inout ArchiveReader, to writer: SparseWriter, source: ImageSource, events: (ImageEvent) -> Void,
        isCancelled: () -> Bool
    ) throws {
        var reported: Int64 = 0
        var judged = false
        try reader.forEachBlock { block, offset, consumed in
            if isCancelled() { throw Failure(.cancelled, "stopped while unpacking \(source.path)") }
            try writer.skip(to: offset)
            try writer.append(block)
            if !judged, writer.head.count == SparseWriter.headSize {
                judged = true
                try checkHead(writer, source)
            }
            if writer.count - reported >= 8 << 20 {
                reported = writer.count
                try makeRoom(for: 0, source: source, events: events)
                events(.unpacking(done: min(consumed, source.size), total: source.size))
            }
        }
    }

    /// Early, so that a packed film is not unpacked to its end before it is refused.
    func checkHead(_ writer: SparseWriter, _ source: ImageSource) throws(Failure) {
        guard writer.count > 0, !ImageSource.isDiskStart(writer.head) else { return }
        throw Failure(
            .notAnImage, "\(source.path) holds no disk image: \(ImageSource.describe(writer.head))",
            hint: "name the image that the vendor publishes")
    }

    func entry(of source: ImageSource) throws(Failure) -> ArchiveReader.Entry {
        var reader = try ArchiveReader(source)
        var entries: [ArchiveReader.Entry] = []
        while let entry = try reader.next() {
            entries.append(entry)
            if source.format != .zip { break }
        }
        let chosen = try ImageEntry.choose(among: entries, in: source)
        if chosen.isEncrypted { throw ArchiveReader.encrypted(source.path) }
        return chosen
    }

    func sha256OfFile(_ path: FilePath, isCancelled: () -> Bool) throws(Failure) -> String {
        let file = try ImageFile(opening: path)
        let buffer = AlignedBuffer(count: 1 << 20)
        var hasher = SHA256()
        var offset: Int64 = 0
        while offset < file.size {
            if isCancelled() { throw Failure(.cancelled, "stopped while reading \(path)") }
            let count = Int(min(Int64(buffer.bytes.count), file.size - offset))
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
            try file.read(into: part, at: offset)
            hasher.update(bufferPointer: UnsafeRawBufferPointer(part))
            offset += Int64(count)
        }
        return hasher.finalize().hex
    }

    /// A vendor publishes the checksum of the archive, of the image inside, or both: either may stand in a recipe.
    func check(_ packed: String, _ unpacked: String, against wanted: String?, source: FilePath) throws(Failure) {
        guard let wanted = wanted?.lowercased(), wanted != packed, wanted != unpacked else { return }
        throw Failure(
            .wrongChecksum, "\(source) has the SHA-256 \(packed), not \(wanted)",
            hint: "download it again, or correct image.sha256 in the recipe")
    }
}
