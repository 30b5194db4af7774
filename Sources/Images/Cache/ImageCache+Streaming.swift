package import Diagnostics
import Host
package import Storage
package import SystemPackage

extension ImageCache {
    /// The image of the file at `source`, readable at once: from the cache, or while other threads unpack it.
    ///
    /// The image is unpacked completely first if its size is not known beforehand (gz, bz2, zst, lz4, a zip by macOS), or if `sha256` is not
    /// the source's, since it may be the image's.
    ///
    /// - Parameters: As for ``image(at:sha256:validate:events:isCancelled:)``; all are called on other threads.
    package func open(
        at source: FilePath, sha256: String?,
        validate: @escaping @Sendable (FilePath, ImageFile) throws(Failure) -> Void,
        events: @escaping @Sendable (ImageEvent) -> Void, isCancelled: @escaping @Sendable () -> Bool
    ) throws(Failure) -> ImageStream {
        let work = UnpackingWork()
        _ = try WorkerThread<Void> {
            work.end(
                Result { () throws(Failure) in
                    try image(
                        at: source, sha256: sha256, validate: validate, events: events,
                        isCancelled: { work.isStopped || isCancelled() }, began: work.begin)
                })
            return .success(())
        }
        guard let beginning = work.waitForBeginning(),
            Self.isRight(beginning.packed, sha256, unless: { work.result != nil })
        else { return ImageStream(try work.wait().get()) }
        return ImageStream(beginning, of: source, work: work)
    }

    /// Whether the packed file has the checksum `wanted`. If it cannot be read, unpacking reports why.
    private static func isRight(_ packed: BackgroundDigest?, _ wanted: String?, unless isEnded: () -> Bool) -> Bool {
        guard let packed, let wanted else { return true }
        let digest = try? packed.value(unless: isEnded)
        return digest == wanted.lowercased()
    }
}
