import Diagnostics
import Filesystems
import Foundation
import Host
import Images
import Storage
import Synchronization
import SystemPackage
import TestSupport

/// A cache in a scratch directory, a sample image, and the ways to pack it.
final class CacheHarness: Sendable {
    let scratch = ScratchDirectory()
    let events = Mutex<[ImageEvent]>([])

    init() throws { try SampleImage.hypriot.make(at: scratch["sample.img"]) }

    var sample: FilePath { scratch["sample.img"] }

    func cache(limit: Int64 = ImageCache.defaultLimit) -> ImageCache {
        let user = InvokingUser(userID: getuid(), groupID: getgid(), home: scratch.path)
        return ImageCache(
            directories: UserDirectories(user: user, environment: ["XDG_CACHE_HOME": scratch["cache"].string]),
            limit: limit)
    }

    func image(
        _ path: FilePath, sha256: String? = nil, limit: Int64 = ImageCache.defaultLimit,
        isCancelled: () -> Bool = { false }
    ) throws(Failure) -> BaseImage {
        events.withLock { $0 = [] }
        return try cache(limit: limit).image(
            at: path, sha256: sha256,
            validate: { (path, _) throws(Failure) in _ = try PartitionTable.read(path) },
            events: { event in events.withLock { $0.append(event) } }, isCancelled: isCancelled)
    }

    var unpacked: Bool {
        events.withLock { $0.contains { if case .unpacking = $0 { true } else { false } } }
    }

    /// Runs a shell command in the scratch directory.
    func shell(_ command: String) throws {
        let result = try OutsideTool("sh").run(["-c", "cd \"$0\" && \(command)", scratch.path.string])
        guard result.succeeded else { throw OutsideTool.Missing(description: "\(command): \(result.errors)") }
    }

    func sha256(_ name: String) throws -> String {
        String(try OutsideTool("sha256sum").run([scratch[name].string]).text.prefix(64))
    }

    func isSample(_ image: BaseImage) throws -> Bool {
        try OutsideTool("cmp").run([sample.string, image.path.string]).succeeded
    }

    /// What is left in the cache's directory of images.
    var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: scratch["cache/piflash/images"].string)) ?? []).sorted()
    }
}
