import Diagnostics
import Filesystems
import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

@Suite struct Ext4PropertyTests {
    struct Kind: Sendable, CustomTestStringConvertible {
        let kilobytes: Int
        let options: [String]
        var testDescription: String { "\(kilobytes) KiB \(options.joined(separator: " "))" }
    }

    /// Small enough to be full now and then.
    static let kinds = [
        Kind(kilobytes: 3000, options: ["-t", "ext4", "-b", "1024", "-O", "metadata_csum"]),
        Kind(kilobytes: 8000, options: ["-t", "ext4", "-b", "4096"]),
        Kind(kilobytes: 1500, options: ["-t", "ext2", "-b", "1024"]),
        Kind(kilobytes: 6000, options: ["-t", "ext3", "-b", "4096", "-I", "128"]),
        Kind(kilobytes: 4000, options: ["-t", "ext4", "-b", "1024", "-O", "inline_data"]),
        Kind(kilobytes: 9000, options: ["-t", "ext4", "-b", "1024", "-O", "bigalloc", "-C", "4096"]),
        // Several groups, most of them not initialised yet.
        Kind(kilobytes: 20_000, options: ["-t", "ext4", "-b", "1024", "-g", "1024", "-N", "600"]),
        Kind(
            kilobytes: 6000,
            options: ["-t", "ext4", "-b", "1024", "-O", "^flex_bg,uninit_bg,^metadata_csum", "-g", "512"]),
    ]

    @Test(arguments: kinds, [1, 2] as [UInt64])
    func `random edits leave what a model says, and what e2fsck and debugfs accept`(_ kind: Kind, _ seed: UInt64) throws
    {
        try Self.check(kind, seed: seed, batches: 10)
    }

    /// `make test-long`: before a release, and after a change to the ext4 code.
    @Test(
        .enabled("runs for minutes: `make test-long`") { ProcessInfo.processInfo.environment["PIFLASH_LONG"] != nil },
        arguments: kinds)
    func `hundreds of further sequences do too`(_ kind: Kind) throws {
        for seed in 1000..<1060 as Range<UInt64> { try Self.check(kind, seed: seed, batches: 12) }
    }

    private static func check(_ kind: Kind, seed: UInt64, batches: Int) throws {
        let image = try Ext4Image(kilobytes: kind.kilobytes, kind.options)
        var random = SplitMix64(seed: seed)
        var model = Ext4Model()
        for batch in 0..<batches {
            let note: Comment = "\(kind.testDescription), seed \(seed), batch \(batch)"
            var edits: [TreeChange] = []
            var wanted = model
            var changed: [String] = []
            var isRefused = false
            for _ in 0..<Int.random(in: 1...25, using: &random) where !isRefused {
                let edit = Ext4Model.randomEdit(&random)
                do {
                    var next = wanted
                    if try next.apply(edit), !changed.contains(edit.path) { changed.append(edit.path) }
                    wanted = next
                    edits.append(edit)
                } catch {
                    // One refused edit refuses the batch: not too many of them.
                    isRefused = Int.random(in: 0..<25, using: &random) == 0
                    if isRefused { edits.append(edit) }
                }
            }
            let before = image.store.contents
            var seen: [String] = []
            let failure = refusal { () throws(Failure) in seen = try image.apply(edits) }
            if let failure {
                #expect(isRefused || failure.code == .filesystemFull, "\(note): \(failure)")
                #expect(image.store.contents == before, note)
            } else {
                #expect(!isRefused, note)
                #expect(seen == changed, note)
                model = wanted
            }
            #expect(try image.complaints() == nil, note)
        }
        try compare(image, model, "\(kind.testDescription), seed \(seed)")
    }

    private static func compare(_ image: Ext4Image, _ model: Ext4Model, _ note: Comment) throws {
        let volume = try image.volume()
        #expect(try paths(of: volume).subtracting(["/lost+found"]) == Set(model.nodes.keys), note)
        let seen = try filesOfDebugfs(image)
        for (path, node) in model.nodes {
            let entry = try volume.entry(at: path)
            switch node.kind {
            case .file(let contents):
                #expect(entry?.kind == .file, note)
                #expect(try volume.read(path) == contents, "\(note) \(path)")
                #expect(seen[path] == contents, "\(note) \(path)")
            case .directory: #expect(entry?.kind == .directory, note)
            case .link(let target): #expect(entry?.kind == .symbolicLink(target: target), "\(note) \(path)")
            }
            if let mode = node.mode { #expect(entry?.mode == mode, "\(note) \(path)") }
            #expect(entry?.user == node.user && entry?.group == node.group, "\(note) \(path)")
        }
    }

    private static func paths(of volume: Ext4Volume, below path: String = "") throws -> Set<String> {
        var found: Set<String> = []
        for name in try volume.list(path + "/") ?? [] {
            found.insert("\(path)/\(name)")
            if try volume.entry(at: "\(path)/\(name)")?.kind == .directory {
                found.formUnion(try paths(of: volume, below: "\(path)/\(name)"))
            }
        }
        return found
    }

    /// The contents of all regular files, as debugfs copies them out.
    private static func filesOfDebugfs(_ image: Ext4Image) throws -> [String: [UInt8]] {
        let out = image.scratch["tree"]
        try FileManager.default.createDirectory(atPath: out.string, withIntermediateDirectories: true)
        _ = try image.debugfs("rdump / \(out)")
        var files: [String: [UInt8]] = [:]
        for case let path as String in FileManager.default.enumerator(atPath: out.string) ?? .init() {
            let full = out.string + "/" + path
            guard (try FileManager.default.attributesOfItem(atPath: full))[.type] as? FileAttributeType == .typeRegular
            else { continue }
            files["/" + path] = Array(try Data(contentsOf: URL(fileURLWithPath: full)))
        }
        return files
    }
}
