import Diagnostics
import Host
import Storage
import SystemPackage

extension CacheFiles {
    /// Unpacks `source` into the new file `part`, and returns the digests of the image.
    ///
    /// Other images are removed only if room is short, and if it is known that this is an image that fits: it is decoded
    /// once to nowhere before. A file of 1 MB that unpacks to a terabyte must not cost anybody a cache.
    ///
    /// - Parameter began: Called with the file and its size before anything is unpacked, if the size is known.
    func unpack(
        _ source: ImageSource, to part: String, events: (ImageEvent) -> Void, isCancelled: () -> Bool,
        began: (GrowingFile, Int64) -> Void
    ) throws(Failure) -> ImageDigests {
        let image = try ImageUnpacker(source)
        // A sparse image takes at least about as much room as its source.
        guard source.storedSize <= room else { throw noRoom(for: source) }
        // What is read while it is unpacked cannot be begun again.
        if let size = image.size {
            if !hasRoom(for: size) {
                try makeRoom(for: measure(source, image, isCancelled), source: source, events: events)
            }
            return try unpack(source, image, to: part, events: events, isCancelled: isCancelled, began: began)
        }
        do throws(Failure) {
            return try unpack(source, image, to: part, events: events, isCancelled: isCancelled, began: began)
        } catch {
            guard error.code == .cacheFull else { throw error }
            images.remove(part)
        }
        try makeRoom(for: measure(source, image, isCancelled), source: source, events: events)
        return try unpack(source, image, to: part, events: events, isCancelled: isCancelled, began: began)
    }

    /// How much room the image in `source` takes, in bytes. Throws if it is not an image, or if there can be no room.
    private func measure(
        _ source: ImageSource, _ image: ImageUnpacker, _ isCancelled: () -> Bool
    ) throws(Failure) -> Int64 {
        do throws(Failure) {
            return try withoutActuallyEscaping(isCancelled) { isCancelled throws(Failure) in
                try image.measure(limit: max(0, room), isCancelled: isCancelled)
            }
        } catch {
            throw error.code == .cacheFull ? noRoom(for: source) : error
        }
    }

    private func unpack(
        _ source: ImageSource, _ image: ImageUnpacker, to part: String, events: (ImageEvent) -> Void,
        isCancelled: () -> Bool, began: (GrowingFile, Int64) -> Void
    ) throws(Failure) -> ImageDigests {
        // What has the name, which only this run may use, is of a run that was killed, or was not made by piflash.
        images.remove(part)
        guard let made = try images.openFile(part, .create) else { throw .system("creating \(part)", Errno.current) }
        let file = try GrowingFile(made, at: images.path.appending(part), size: image.size)
        var ends: [() -> Void] = []
        do throws(Failure) {
            let whole = try WorkerThread { Result { () throws(Failure) in try file.digest() } }
            let chunks = try WorkerThread { Result { () throws(Failure) in try file.chunkDigests() } }
            ends = [{ _ = whole.join() }, { _ = chunks.join() }]
            if let size = image.size { began(file, size) }
            return try unpack(source, image, to: file, whole, chunks, events: events, isCancelled: isCancelled)
        } catch {
            // Wakes the threads that wait for its bytes. Its room is free only when none has it open.
            file.abandon(error)
            for end in ends { end() }
            throw error
        }
    }

    private func unpack(
        _ source: ImageSource, _ image: ImageUnpacker, to file: GrowingFile, _ whole: WorkerThread<String>,
        _ chunks: WorkerThread<ChunkDigests>, events: (ImageEvent) -> Void, isCancelled: () -> Bool
    ) throws(Failure) -> ImageDigests {
        let metadata = try withoutActuallyEscaping(events) { events throws(Failure) in
            try withoutActuallyEscaping(isCancelled) { isCancelled throws(Failure) in
                try image.run(
                    to: file,
                    progress: { (done) throws(Failure) in
                        guard hasRoom(for: 0) else { throw noRoom(for: source) }
                        events(.unpacking(done: min(done, source.size), total: source.size))
                    }, isCancelled: isCancelled)
            }
        }
        try check(file, of: source, expected: image.size)
        events(.unpacking(done: source.size, total: source.size))
        if metadata > 0 { events(.metadata(bytes: metadata)) }
        file.complete()
        try file.synchronize()
        guard let whole = try whole.value(unless: isCancelled), let chunks = try chunks.value(unless: isCancelled)
        else {
            throw Failure.stopped("while unpacking \(source.path)")
        }
        return ImageDigests(whole: whole, chunks: chunks)
    }

    private func check(_ file: GrowingFile, of source: ImageSource, expected: Int64?) throws(Failure) {
        let count = file.count
        guard count > 0 else {
            throw Failure(.notAnImage, "\(source.path) unpacks to nothing", hint: "download it again")
        }
        if let expected, count != expected {
            throw Failure(
                .truncatedArchive, "\(source.path) contains \(count) of \(expected) bytes", hint: "download it again")
        }
        // Some build systems leave a few zeros behind the last sector; a card gets a whole sector of them.
        let buffer = AlignedBuffer(count: 512)
        defer { withExtendedLifetime(buffer) {} }
        let tail = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<Int(count % 512)])
        try file.read(into: tail, at: count - Int64(tail.count))
        guard UnsafeRawBufferPointer(tail).isAllZero else {
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
            hint:
                "download it again, or correct image.sha256 in the recipe; without that, a file beside the image says it"
        )
    }
}
