import Diagnostics
import Host
import Storage
import SystemPackage

extension CacheFiles {
    /// Unpacks `source` into the new file `part`, and returns the digests of the image.
    ///
    /// - Parameter began: Called with the file and its size before anything is unpacked, if the size is known.
    func unpack(
        _ source: ImageSource, to part: String, events: (ImageEvent) -> Void, isCancelled: () -> Bool,
        began: (GrowingFile, Int64) -> Void
    ) throws(Failure) -> ImageDigests {
        let image = try ArchivedImage.find(in: source)
        // A sparse image takes at least about as much room as its source.
        try makeRoom(for: source.storedSize, source: source, events: events)
        // What has the name, which only this run may use, is of a run that was killed, or was not made by piflash.
        images.remove(part)
        guard let made = try images.openFile(part, .create) else { throw .system("creating \(part)", Errno.current) }
        let file = try GrowingFile(made, at: images.path.appending(part), size: image.size)
        do throws(Failure) {
            let whole = try WorkerThread { Result { () throws(Failure) in try file.digest() } }
            let chunks = try WorkerThread { Result { () throws(Failure) in try file.chunkDigests() } }
            if let size = image.size { began(file, size) }
            return try unpack(source, image, to: file, whole, chunks, events: events, isCancelled: isCancelled)
        } catch {
            // Wakes the threads that wait for its bytes.
            file.abandon(error)
            throw error
        }
    }

    private func unpack(
        _ source: ImageSource, _ image: ArchivedImage, to file: GrowingFile, _ whole: WorkerThread<String>,
        _ chunks: WorkerThread<ChunkDigests>, events: (ImageEvent) -> Void, isCancelled: () -> Bool
    ) throws(Failure) -> ImageDigests {
        try withoutActuallyEscaping(events) { events throws(Failure) in
            try withoutActuallyEscaping(isCancelled) { isCancelled throws(Failure) in
                try Unpacking(
                    source: source, image: image, file: file,
                    progress: { (done) throws(Failure) in
                        try makeRoom(for: 0, source: source, events: events)
                        events(.unpacking(done: min(done, source.size), total: source.size))
                    }, isCancelled: isCancelled
                ).run()
            }
        }
        try check(file.count, of: source, expected: image.size)
        events(.unpacking(done: source.size, total: source.size))
        file.complete()
        try file.synchronize()
        guard let whole = try whole.value(unless: isCancelled), let chunks = try chunks.value(unless: isCancelled) else {
            throw Failure(.cancelled, "stopped while unpacking \(source.path)")
        }
        return ImageDigests(whole: whole, chunks: chunks)
    }

    private func check(_ count: Int64, of source: ImageSource, expected: Int64?) throws(Failure) {
        guard count > 0 else {
            throw Failure(.notAnImage, "\(source.path) unpacks to nothing", hint: "download it again")
        }
        if let expected, count != expected {
            throw Failure(
                .truncatedArchive, "\(source.path) contains \(count) of \(expected) bytes", hint: "download it again")
        }
        guard count % 512 == 0 else {
            throw Failure(
                .truncatedArchive,
                "\(source.path) unpacks to \(count) bytes, which is not a multiple of the sector size",
                hint: "the image is truncated: download it again")
        }
    }

    /// A vendor publishes the checksum of the archive, of the image inside it, or both; a recipe may have either.
    func check(_ packed: String, _ unpacked: String, against wanted: String?, source: FilePath) throws(Failure) {
        guard let wanted = wanted?.lowercased(), wanted != packed, wanted != unpacked else { return }
        throw Failure(
            .wrongChecksum, "\(source) has the SHA-256 \(packed), not \(wanted)",
            hint: "download it again, or correct image.sha256 in the recipe")
    }
}
