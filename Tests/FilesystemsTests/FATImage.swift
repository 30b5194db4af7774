import Diagnostics
import Filesystems
import Foundation
import Storage
import SystemPackage
import TestSupport

/// A FAT volume made by mkfs.fat, in memory, with the outside tools that check it.
struct FATImage {
    let scratch = ScratchDirectory()
    let store: MemoryStore

    static let time = FATTimestamp(secondsSince1970: 1_770_000_000)

    /// - Parameter options: for mkfs.fat, such as ["-F", "32", "-s", "1"].
    init(kilobytes: Int, _ options: [String]) throws {
        let file = scratch["volume.fat"]
        let made = try OutsideTool("mkfs.fat").run(
            options + ["-n", "TEST", "--invariant", "-C", file.string, "\(kilobytes)"])
        guard made.succeeded else { throw OutsideTool.Missing(description: made.errors) }
        store = MemoryStore(scratch.read("volume.fat"))
    }

    func volume() throws -> FATVolume { try FATVolume(store, name: "the volume", modified: Self.time) }

    /// What fsck.fat finds wrong; nil if nothing.
    func complaints() throws -> String? {
        try store.contents.write(to: scratch["check.fat"])
        let result = try OutsideTool("fsck.fat").run(["-n", "-v", scratch["check.fat"].string])
        return result.succeeded ? nil : result.text + result.errors
    }

    /// Every file that mtools sees, by path, with its contents.
    func filesOfMtools() throws -> [String: [UInt8]] {
        try store.contents.write(to: scratch["check.fat"])
        let out = scratch["tree"]
        try? FileManager.default.removeItem(atPath: out.string)
        try FileManager.default.createDirectory(atPath: out.string, withIntermediateDirectories: true)
        let result = try OutsideTool("sh").run(
            ["-c", "mcopy -s -n -i \"$0\" '::*' \"$1\"", scratch["check.fat"].string, out.string],
            environment: ["MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C.UTF-8"])
        var files: [String: [UInt8]] = [:]
        for path in FileManager.default.enumerator(atPath: out.string)?.compactMap({ $0 as? String }) ?? [] {
            var isDirectory: ObjCBool = false
            let full = out.string + "/" + path
            guard FileManager.default.fileExists(atPath: full, isDirectory: &isDirectory), !isDirectory.boolValue else {
                continue
            }
            files[path] = Array(try Data(contentsOf: URL(fileURLWithPath: full)))
        }
        // mcopy fails on an empty volume: there "*" matches nothing.
        guard result.succeeded || files.isEmpty else { throw OutsideTool.Missing(description: result.errors) }
        return files
    }
}
