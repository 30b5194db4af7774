import Diagnostics
import Filesystems
import Foundation
import Storage
import Synchronization
import SystemPackage
import TestSupport

/// A volume made by mke2fs, in memory, with the outside tools that check it.
final class Ext4Image: Sendable {
    let scratch = ScratchDirectory()
    let store: MemoryStore
    /// What the outside tools were shown last, in check.ext4.
    private let shown = Mutex<MemoryStore.Contents?>(nil)

    /// 2026-02-02 02:40:00 UTC
    static let time: Int64 = 1_770_000_000
    /// mke2fs takes these instead of the clock and of its /etc/mke2fs.conf (its built-in one when there is none).
    private static let environment = ["E2FSPROGS_FAKE_TIME": "1760000000", "MKE2FS_CONFIG": "/nonexistent"]
    private static let fixed = [
        "-q", "-F", "-L", "rootfs", "-U", "11111111-2222-3333-4444-555555555555", "-E",
    ]

    /// - Parameters:
    ///   - options: for mke2fs, such as ["-t", "ext4", "-b", "1024"].
    ///   - prepare: commands for debugfs.
    ///   - tree: files that mke2fs -d puts there.
    init(kilobytes: Int, _ options: [String], extended: String = "", prepare: [String] = []) throws {
        let file = scratch["volume.ext4"]
        let hash = "hash_seed=66666666-7777-8888-9999-aaaaaaaaaaaa" + (extended.isEmpty ? "" : ",\(extended)")
        let made = try OutsideTool("mke2fs").run(
            Self.fixed + [hash] + options + [file.string, "\(kilobytes)k"], environment: Self.environment)
        guard made.succeeded else { throw OutsideTool.Missing(description: made.errors) }
        if !prepare.isEmpty {
            scratch.write(prepare.joined(separator: "\n") + "\n", to: "commands")
            let result = try OutsideTool("debugfs").run(
                ["-w", "-f", scratch["commands"].string, file.string], environment: Self.environment)
            guard result.succeeded else { throw OutsideTool.Missing(description: result.errors) }
        }
        store = MemoryStore(scratch.read("volume.ext4"))
    }

    func volume() throws -> Ext4Volume { try Ext4Volume(store, name: "the volume", time: Self.time) }

    @discardableResult
    func apply(_ edits: [TreeChange]) throws(Failure) -> [String] {
        try Ext4Volume.apply(edits, to: store, name: "the volume", time: Self.time)
    }

    /// What e2fsck finds wrong; nil if nothing.
    func complaints() throws -> String? {
        let result = try OutsideTool("e2fsck").run(["-f", "-n", show().string])
        return result.succeeded ? nil : result.text + result.errors
    }

    /// What debugfs answers to one command, about the bytes that are in the store.
    func debugfs(_ command: String) throws -> OutsideTool.Result {
        try OutsideTool("debugfs").run(["-R", command, show().string])
    }

    /// A file with what is in the store now, for tools that do not change it.
    private func show() throws -> FilePath {
        let path = scratch["check.ext4"]
        try shown.withLock { shown in
            let now = store.contents
            if shown != now { try now.write(to: path) }
            shown = now
        }
        return path
    }

    /// As debugfs sees it: "regular 0640 70000:1000 3 bytes".
    func status(_ path: String) throws -> Status {
        let text = try debugfs("stat \"\(path)\"").text
        func field(_ name: String, base: Int = 10) -> Int? {
            guard let found = text.range(of: name) else { return nil }
            let digits = text[found.upperBound...].drop { $0 == " " }.prefix { $0.isNumber }
            return Int(digits, radix: base)
        }
        return Status(
            type: text.range(of: "Type: ").map { String(text[$0.upperBound...].prefix { $0 != " " }) },
            mode: field("Mode:", base: 8), user: field("User:"), group: field("Group:"), size: field("Size:"),
            links: field("Links:"),
            target: text.range(of: "Fast link dest: \"").map { String(text[$0.upperBound...].prefix { $0 != "\"" }) })
    }

    struct Status: Equatable {
        var type: String?
        var mode: Int?
        var user: Int?
        var group: Int?
        var size: Int?
        var links: Int?
        var target: String?
    }
}

/// An edit that must be refused or must fail; nil when it went through.
func refusal(_ body: () throws(Failure) -> Void) -> Failure? {
    do throws(Failure) { try body() } catch { return error }
    return nil
}

/// Bytes that are not all the same, and differ with `seed`.
func pattern(_ count: Int, _ seed: UInt64 = 1) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    return random.bytes(count)
}
