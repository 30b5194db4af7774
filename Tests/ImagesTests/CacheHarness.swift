import Diagnostics
import Filesystems
import Foundation
import Host
@testable import Images
import Storage
import Synchronization
import SystemPackage
import TestSupport

/// A cache in a scratch directory, a sample image, and the ways to pack it.
final class CacheHarness: Sendable {
    let scratch = ScratchDirectory()
    let events = Mutex<[ImageEvent]>([])

    /// Only a cache, without an image.
    init(empty: Void) {}

    init() throws { try SampleImage.hypriot.make(at: scratch["sample.img"]) }

    var sample: FilePath { scratch["sample.img"] }

    func cache(limit: Int64 = ImageCache.defaultLimit, reserve: Int64 = 0) -> ImageCache {
        let user = InvokingUser(userID: getuid(), groupID: getgid(), home: scratch.path)
        return ImageCache(
            directories: UserDirectories(user: user, environment: ["XDG_CACHE_HOME": scratch["cache"].string]),
            limit: limit, reserve: reserve)
    }

    /// Without reading the partition table: only the archive formats themselves are tested.
    func unpack(_ path: FilePath, reserve: Int64 = 0) throws(Failure) -> Image {
        try cache(reserve: reserve).image(
            at: path, sha256: nil, validate: { (_, _) throws(Failure) in }, events: { _ in }, isCancelled: { false })
    }

    private static let smallImages = Mutex<[Int: [UInt8]]>([:])

    /// A small image of `sectors` that hardly compress, with a partition table's signature; called "small.img".
    @discardableResult
    func makeSmallImage(sectors: Int = 600) -> [UInt8] {
        let bytes = Self.smallImages.withLock { images in
            if let known = images[sectors] { return known }
            var state: UInt64 = 42
            var bytes = (0..<sectors * 512).map { index -> UInt8 in
                // A linear congruential generator (Knuth's MMIX), so that every run tries the same bytes.
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return index % 3 == 0 ? 0 : UInt8(truncatingIfNeeded: state >> 56)
            }
            bytes[510...511] = [0x55, 0xAA]
            images[sectors] = bytes
            return bytes
        }
        scratch.write(bytes, to: "small.img")
        return bytes
    }

    func image(
        _ path: FilePath, sha256: String? = nil, limit: Int64 = ImageCache.defaultLimit,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(Failure) -> Image {
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

    func isSample(_ image: Image) throws -> Bool {
        try OutsideTool("cmp").run([sample.string, image.path.string]).succeeded
    }

    /// What is left in the cache's directory of images.
    var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: scratch["cache/piflash/images"].string)) ?? []).sorted()
    }
}

extension GrowingFile {
    /// A file outside a cache, or a device.
    convenience init(at path: FilePath, size: Int64? = nil) throws {
        let file = try FileDescriptor.open(
            path, .readWrite, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
        try self.init(file, at: path, size: size)
    }
}
