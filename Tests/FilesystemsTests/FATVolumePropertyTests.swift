import Diagnostics
import Foundation
import Storage
import TestSupport
import Testing

@testable import Filesystems

@Suite struct FATVolumePropertyTests {
    /// A volume for mkfs.fat to make.
    struct Geometry: Sendable, CustomTestStringConvertible {
        let kilobytes: Int
        let options: [String]
        var testDescription: String { "\(kilobytes) KiB \(options.joined(separator: " "))" }
    }

    static let geometries = [
        Geometry(kilobytes: 4400, options: ["-F", "16", "-s", "2"]),
        Geometry(kilobytes: 9000, options: ["-F", "16", "-s", "4", "-r", "112"]),
        Geometry(kilobytes: 36000, options: ["-F", "32", "-s", "1"]),
        Geometry(kilobytes: 34000, options: ["-F", "32", "-s", "1", "-f", "1"]),
        Geometry(kilobytes: 140000, options: ["-F", "32", "-s", "2", "-S", "1024"]),
    ]

    static let names = [
        "cmdline.txt", "CONFIG.TXT", "user-data", "meta-data", "network-config", "a", "Long name with blanks.txt",
        "Café.txt", "emoji 😀.bin", "dot.s.in.name", ".hidden", "UPPER.lower", "longextension.jpeg", "no+plus;semi.txt",
        "verylongname1.txt", "verylongname2.txt", "verylongname3.txt", "verylongname4.txt", "~tilde~1.txt",
        String(repeating: "x", count: 200),
    ]
    static let directories = ["", "overlays/", "piflash/", "a dir/nested ☂/"]

    @Test(arguments: geometries, [1, 2, 3] as [UInt64])
    func `random edits leave what a model says, and what fsck.fat and mtools accept`(
        _ geometry: Geometry, _ seed: UInt64
    ) throws {
        try Self.check(geometry, seed: seed, steps: 140)
    }

    /// `make test-long`: before a release, and after a change to the FAT code.
    @Test(
        .enabled("runs for minutes: `make test-long`") { ProcessInfo.processInfo.environment["PIFLASH_LONG"] != nil },
        arguments: geometries.prefix(4))
    func `hundreds of further sequences do too`(_ geometry: Geometry) throws {
        for seed in 1000..<1500 as Range<UInt64> { try Self.check(geometry, seed: seed, steps: 40) }
    }

    private static func check(_ geometry: Geometry, seed: UInt64, steps: Int) throws {
        let image = try FATImage(kilobytes: geometry.kilobytes, geometry.options)
        var random = SplitMix64(seed: seed)
        var volume = try image.volume()
        var model: [String: [UInt8]] = [:]
        let base = Int.random(in: 1...1_000_000, using: &random)
        for step in 0..<steps {
            let path =
                (Self.directories.randomElement(using: &random) ?? "")
                + (Self.names.randomElement(using: &random) ?? "a")
            if Int.random(in: 0..<4, using: &random) == 0 {
                try volume.remove(path)
                model[path] = nil
            } else {
                let count = [0, 1, 511, 512, 513, 5000, 70000].randomElement(using: &random) ?? 0
                let contents = Self.ramp(count, from: step + base)
                let before = image.store.contents
                let refusal = Self.refusal { () throws(Failure) in try volume.write(contents, to: path) }
                if refusal == nil { model[path] = contents }
                #expect(
                    refusal == nil || refusal?.code == .filesystemFull, "seed \(seed), step \(step): \(refusal as Any)")
                #expect(
                    refusal == nil || image.store.contents == before,
                    "seed \(seed), step \(step): a full volume was changed")
            }
            if step % 20 == 0 { volume = try image.volume() }
            #expect(try volume.read(path) == model[path], "seed \(seed), step \(step), \(path)")
        }
        #expect(try image.complaints() == nil, "seed \(seed)")
        let seen = try image.filesOfMtools()
        // mtools shows a character beyond the first 65,536 as two underscores, one for each half of its surrogate pair.
        let shown = model.map { ($0.key.replacingOccurrences(of: "😀", with: "__"), $0.value) }
        #expect(Set(seen.keys) == Set(shown.map(\.0)), "seed \(seed)")
        for (path, contents) in shown { #expect(seen[path] == contents, "seed \(seed), \(path)") }
        let reopened = try image.volume()
        for (path, contents) in model { #expect(try reopened.read(path) == contents, "seed \(seed), \(path)") }
    }

    /// `count` bytes, each seven times: the last eight bits of `start` and the numbers after it.
    private static func ramp(_ count: Int, from start: Int) -> [UInt8] {
        let first = start % 256 * 7
        return Array(allRamps[first..<first + count])
    }

    private static let allRamps = (0..<256 * 7 + 70000).map { UInt8(truncatingIfNeeded: $0 / 7) }

    private static func refusal(_ body: () throws(Failure) -> Void) -> Failure? {
        do throws(Failure) { try body() } catch { return error }
        return nil
    }

    @Test(arguments: geometries)
    func `writing the same again changes no byte`(_ geometry: Geometry) throws {
        let image = try FATImage(kilobytes: geometry.kilobytes, geometry.options)
        var volume = try image.volume()
        try volume.write([1, 2, 3], to: "piflash/card.json")
        let before = image.store.contents
        try volume.write([1, 2, 3], to: "PIFLASH/Card.JSON")
        try volume.remove("nothing/there")
        #expect(image.store.contents == before)
    }

    @Test func `whatever write fails, the old contents or the new are there`() throws {
        let image = try FATImage(kilobytes: 4400, ["-F", "16", "-s", "2"])
        var volume = try image.volume()
        let old = [UInt8](repeating: 1, count: 9000)
        let new = [UInt8](repeating: 2, count: 20000)
        try volume.write(old, to: "piflash/settings")
        let start = image.store.allBytes
        for number in 0..<40 {
            let store = MemoryStore(start)
            var volume = try FATVolume(store, name: "the volume", modified: FATImage.time)
            store.fail(atWrite: number)
            try? volume.write(new, to: "piflash/settings")
            let there = try FATVolume(store, name: "the volume", modified: FATImage.time).read("piflash/settings")
            #expect(there == old || there == new, "write \(number)")
        }
    }

    @Test func `random damage is refused or survived, never a crash or an endless loop`() throws {
        let image = try FATImage(kilobytes: 3000, ["-F", "32", "-s", "1"])
        var volume = try image.volume()
        for index in 0..<20 { try volume.write([UInt8](repeating: 7, count: index * 300), to: "dir/file \(index)") }
        let sound = image.store.allBytes
        var random = SplitMix64(seed: 42)
        for _ in 0..<300 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                // Boot sector, FATs and the first directories.
                bytes[Int.random(in: 0..<90_000, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard var damaged = try? FATVolume(MemoryStore(bytes), name: "damaged", modified: FATImage.time) else {
                continue
            }
            _ = damaged.label
            _ = try? damaged.list("dir")
            _ = try? damaged.read("dir/file 7")
            _ = try? damaged.reader.directoryRanges()
            try? damaged.write([1, 2, 3], to: "dir/new file")
            try? damaged.remove("dir/file 3")
        }
    }
}
