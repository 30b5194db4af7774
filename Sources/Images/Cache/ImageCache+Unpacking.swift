import Diagnostics
import Host
import Storage
import SystemPackage

extension ImageCache {
    /// Unpacks `source` into `part`; the SHA-256 of what is there, in lower-case hex.
    ///
    /// - Parameter began: Called with the file and its size before anything is unpacked, where the size is known then.
    func unpack(
        _ source: ImageSource, to part: FilePath, events: (ImageEvent) -> Void, isCancelled: () -> Bool,
        began: (GrowingFile, Int64) -> Void
    ) throws(Failure) -> String {
        let image = try ArchivedImage.find(in: source)
        // Sparse as it is kept, an image takes at least about as much as its packed form.
        try makeRoom(for: source.storedSize, source: source, events: events)
        let file = try GrowingFile(creating: part, size: image.size)
        do throws(Failure) {
            do { try user.own(part) } catch { throw .system("giving \(part) to its user", error) }
            let digest = try WorkerThread { Result { () throws(Failure) in try file.digest() } }
            if let size = image.size { began(file, size) }
            return try unpack(source, image, to: file, digest: digest, events: events, isCancelled: isCancelled)
        } catch {
            // Wakes who waits for its bytes.
            file.abandon(error)
            throw error
        }
    }

    private func unpack(
        _ source: ImageSource, _ image: ArchivedImage, to file: GrowingFile, digest: WorkerThread<String>,
        events: (ImageEvent) -> Void, isCancelled: () -> Bool
    ) throws(Failure) -> String {
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
        guard let found = try digest.value(unless: isCancelled) else {
            throw Failure(.cancelled, "stopped while unpacking \(source.path)")
        }
        return found
    }

    private func check(_ count: Int64, of source: ImageSource, expected: Int64?) throws(Failure) {
        guard count > 0 else {
            throw Failure(.notAnImage, "\(source.path) unpacks to nothing", hint: "download it again")
        }
        if let expected, count != expected {
            throw Failure(
                .truncatedArchive, "\(source.path) holds \(count) of \(expected) bytes", hint: "download it again")
        }
        guard count % 512 == 0 else {
            throw Failure(
                .truncatedArchive,
                "\(source.path) unpacks to \(count) bytes, which are no whole number of sectors",
                hint: "the image is truncated: download it again")
        }
    }

    /// A vendor publishes the checksum of the archive, of the image inside, or both: either may stand in a recipe.
    func check(_ packed: String, _ unpacked: String, against wanted: String?, source: FilePath) throws(Failure) {
        guard let wanted = wanted?.lowercased(), wanted != packed, wanted != unpacked else { return }
        throw Failure(
            .wrongChecksum, "\(source) has the SHA-256 \(packed), not \(wanted)",
            hint: "download it again, or correct image.sha256 in the recipe")
    }
}
