import Diagnostics
@testable import Filesystems
import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

/// FAT with fields of extreme values, and with damage: read or refused, and never edited to be worse.
@Suite struct FATDamageTests {
    struct Kind: Sendable, CustomTestStringConvertible {
        let kilobytes: Int
        let options: [String]
        var testDescription: String { options.joined(separator: " ") }
    }

    static let kinds = [
        Kind(kilobytes: 4400, options: ["-F", "16", "-s", "2"]),
        Kind(kilobytes: 3000, options: ["-F", "32", "-s", "1"]),
    ]
    static let twelve = Kind(kilobytes: 1000, options: ["-F", "12"])

    /// A volume with files of several clusters, directories and long names.
    private func image(_ kind: Kind) throws -> FATImage {
        let image = try FATImage(kilobytes: kind.kilobytes, kind.options)
        guard kind.options[1] != "12" else { return image }
        var volume = try image.volume()
        try volume.write(pattern(5000), to: "ONE.TXT")
        try volume.write(pattern(7000, 2), to: "TWO.TXT")
        try volume.write(pattern(3000, 3), to: "DIR/THREE.TXT")
        for index in 0..<12 { try volume.write(pattern(200, 4), to: "DIR/a long name \(index).txt") }
        try volume.remove("TWO.TXT")
        try volume.write(pattern(9000, 5), to: "FOUR.TXT")
        #expect(try image.complaints() == nil)
        return image
    }

    private static func edit(_ store: MemoryStore) throws(Failure) {
        var volume = try FATVolume(store, name: "the volume", modified: FATImage.time)
        try volume.write(pattern(4000, 6), to: "NEW.TXT")
        try volume.write(pattern(2500, 7), to: "ONE.TXT")
        try volume.write(pattern(100, 8), to: "DIR/new directory/new file")
        try volume.remove("DIR/THREE.TXT")
    }

    // MARK: Fields

    private func sweep(_ sound: MemoryStore.Contents, _ field: DiskField, from place: Int64) throws {
        let old = try MemoryStore(sound).value(of: field, from: place)
        for value in field.extremes(besides: old) {
            let store = MemoryStore(sound)
            try store.set(field, to: value, from: place)
            let note: Comment = "byte \(place + field.offset), \(field.size) bytes: \(old) became \(value)"
            let start = ContinuousClock.now
            let before = store.contents
            try? use(store)
            let used = usedBlocks(store, as: "vfat")
            #expect(ByteRanges([0..<store.size]).holds(used.ranges), note)
            #expect(store.contents == before, note)
            let failure = refusal { () throws(Failure) in try Self.edit(store) }
            if let failure {
                #expect(
                    failure.message.contains("the volume") || failure.message.contains("memory"), "\(note): \(failure)")
            }
            // A full volume or a path that is taken stops between the files.
            if failure?.severity == .refused { #expect(store.contents == before, note) }
            #expect(ContinuousClock.now - start < .seconds(20), note)
        }
    }

    private func use(_ store: MemoryStore) throws {
        let volume = try FATVolume(store, name: "the volume", modified: FATImage.time)
        #expect(volume.freeBytes >= 0 && volume.freeBytes <= store.size)
        _ = volume.label
        for path in ["", "DIR"] { _ = try? volume.list(path) }
        for path in ["ONE.TXT", "DIR/THREE.TXT", "DIR/a long name 3.txt"] { _ = try? volume.read(path) }
        _ = try? volume.reader.directoryRanges()
    }

    @Test(arguments: kinds + [twelve]) func `no value of a field of the boot sector makes a trap`(_ kind: Kind) throws {
        let sound = try image(kind).store.contents
        let fields =
            DiskField.fields([11, 14, 17, 19, 22, 24, 26, 40, 42, 48, 50, 510], 2)
            + DiskField.fields([13, 16, 21, 36, 37, 38, 64, 65, 66], 1) + DiskField.fields([28, 32, 36, 44], 4)
        for field in fields { try sweep(sound, field, from: 0) }
        guard kind.options[1] == "32" else { return }
        for field in DiskField.fields([0, 484, 488, 492, 508], 4) { try sweep(sound, field, from: 512) }
    }

    @Test(arguments: kinds) func `no value of an entry of a table or a directory makes a trap`(_ kind: Kind) throws {
        let sound = try image(kind).store
        let layout = try FATLayout(of: sound)
        let directory = layout.place(of: try layout.cluster(named: "DIR        "))
        let one = try layout.cluster(named: "ONE     TXT")
        for cluster in [0, 1, 2, one, try layout.next(one)] {
            let field = DiskField(offset: layout.entry(cluster), size: layout.isFAT32 ? 4 : 2)
            try sweep(sound.contents, field, from: 0)
        }
        let short =
            DiskField.fields([0, 11, 12, 13], 1) + DiskField.fields([14, 16, 18, 20, 22, 24, 26], 2)
            + DiskField.fields([28], 4)
        // The label, a file and a directory of the root; ".", ".." and a file of the other.
        for place in [layout.root, layout.root + 32, layout.root + 64, directory, directory + 32, directory + 64] {
            for field in short { try sweep(sound.contents, field, from: place) }
        }
        // A part of a long name: its number, its kind, its checksum, its first and last character.
        for field in DiskField.fields([0, 11, 12, 13], 1) + DiskField.fields([1, 26, 30], 2) {
            try sweep(sound.contents, field, from: directory + 96)
        }
    }

    // MARK: Damage

    enum Damage: String, CaseIterable, Sendable {
        case crossed = "shares cluster", cyclic = "broken", freed = "is longer", tooFar = "chain"
        case differing = "tables differ", backup = "backup", place = "no directory", medium = "does not start"
    }

    @Test(arguments: Damage.allCases, kinds) func `a volume whose structures disagree is not edited`(
        _ damage: Damage, _ kind: Kind
    ) throws {
        let image = try image(kind)
        let layout = try FATLayout(of: image.store)
        let one = try layout.cluster(named: "ONE     TXT")
        let four = try layout.cluster(named: "FOUR    TXT")
        let directory = try layout.cluster(named: "DIR        ")
        switch damage {
        case .crossed: try layout.link(one, to: UInt32(layout.next(four)))
        case .cyclic: try layout.link(layout.next(one), to: UInt32(one))
        case .freed: try layout.link(layout.next(one), to: 0x0FFF_FFFF)
        case .tooFar: try layout.link(one, to: UInt32(layout.clusterCount + 2))
        case .differing: try layout.link(layout.next(four), to: 0x0FFF_FFFF, copy: 1)
        case .backup:
            guard layout.isFAT32 else { return }
            try image.store.write([2], at: 6 * 512 + 13)
        case .place: try image.store.write([0x42, 0], at: layout.place(of: directory) + 26)
        case .medium: try layout.link(0, to: 0x0FFF_FF00)
        }
        let before = image.store.contents
        let failure = try #require(refusal { () throws(Failure) in try Self.edit(image.store) })
        #expect(failure.message.contains(damage.rawValue), "\(failure)")
        #expect(failure.message.contains("the volume cannot be edited"), "\(failure)")
        #expect(failure.severity == .refused)
        #expect(failure.hint?.contains("fsck.fat") == true)
        #expect(image.store.contents == before)
    }

    @Test(arguments: kinds) func `tables that differ where no file is become the same again`(_ kind: Kind) throws {
        let image = try image(kind)
        let layout = try FATLayout(of: image.store)
        // As after a power cut between the two copies: the first knows a chain that no directory names yet.
        let last = layout.clusterCount
        try layout.link(last, to: 0x0FFF_FFFF, copy: 0)
        #expect(try image.complaints() != nil)
        try Self.edit(image.store)
        #expect(try layout.next(last) == (layout.isFAT32 ? 0x0FFF_FFFF : 0xFFFF))
        let size = layout.isFAT32 ? 4 : 2
        let copies = try (0..<2).map { try image.store.bytes(at: layout.entry(last, copy: $0), count: size) }
        #expect(copies[0] == copies[1])
    }

    /// Linux reads the first table, whatever the boot sector says.
    @Test func `a table that the boot sector calls unused is kept the same`() throws {
        let image = try image(Self.kinds[1])
        for place in [40, 6 * 512 + 40] as [Int64] { try image.store.write([0x81, 0], at: place) }
        try Self.edit(image.store)
        let layout = try FATLayout(of: image.store)
        let count = Int(layout.entry(0, copy: 1) - layout.entry(0))
        #expect(
            try image.store.bytes(at: layout.entry(0), count: count)
                == image.store.bytes(at: layout.entry(0, copy: 1), count: count))
    }

    @Test(arguments: kinds) func `random damage is refused, or an edit makes nothing worse`(_ kind: Kind) throws {
        try check(kind, seeds: 0..<60)
    }

    /// `make test-long`: before a release, and after a change to the FAT code.
    @Test(
        .enabled("runs for minutes: `make test-long`") { ProcessInfo.processInfo.environment["PIFLASH_LONG"] != nil },
        arguments: kinds)
    func `a thousand further damages are, too`(_ kind: Kind) throws { try check(kind, seeds: 1000..<2000) }

    private func check(_ kind: Kind, seeds: Range<UInt64>) throws {
        let image = try image(kind)
        let sound = image.store.contents
        let layout = try FATLayout(of: image.store)
        let directory = layout.place(of: try layout.cluster(named: "DIR        "))
        var edited = 0
        for seed in seeds {
            var random = SplitMix64(seed: seed)
            let store = MemoryStore(sound)
            let what = try Self.damage(store, layout, directory, &random)
            let before = store.contents
            let failure = refusal { () throws(Failure) in try Self.edit(store) }
            guard failure == nil else {
                if failure?.severity == .refused { #expect(store.contents == before, "seed \(seed), \(what)") }
                continue
            }
            edited += 1
            let (old, new) = (try image.problems(of: before), try image.problems(of: store.contents))
            #expect(new.count <= old.count, "seed \(seed), \(what): \(old) became \(new)")
        }
        print("\(kind.testDescription): \(edited) of \(seeds.count) were edited")
    }

    /// One random change; returns what it was.
    private static func damage(
        _ store: MemoryStore, _ layout: FATLayout, _ directory: Int64, _ random: inout SplitMix64
    ) throws -> String {
        let choice = Int.random(in: 0..<8, using: &random)
        let (field, place): (DiskField, Int64)
        switch choice {
        case 0, 1:
            let places = [11, 13, 14, 16, 17, 19, 21, 22, 24, 32, 36, 37, 38, 40, 42, 44, 48, 50]
            (field, place) = (DiskField(offset: Int64(places.randomElement(using: &random) ?? 0), size: 1), 0)
        case 2, 3, 4:
            let cluster = Int.random(in: 0..<90, using: &random)
            let size = layout.isFAT32 ? 4 : 2
            let copy = Int.random(in: 0..<2, using: &random)
            (field, place) = (DiskField(offset: layout.entry(cluster, copy: copy), size: size), 0)
            if Bool.random(using: &random) {
                let value = UInt32.random(in: 0..<100, using: &random)
                try layout.over(store).link(cluster, to: value)
                return "cluster \(cluster): \(value)"
            }
        case 5, 6:
            let start = Bool.random(using: &random) ? layout.root : directory
            let offsets = [0, 1, 11, 12, 13, 20, 26, 28, 30]
            place = start + Int64(32 * Int.random(in: 0..<12, using: &random))
            field = DiskField(offset: Int64(offsets.randomElement(using: &random) ?? 0), size: 1)
        default: (field, place) = (DiskField(offset: 484 + Int64.random(in: 0..<3, using: &random) * 4, size: 4), 512)
        }
        let old = try store.value(of: field, from: place)
        let bit = old ^ 1 << UInt64.random(in: 0..<UInt64(8 * field.size), using: &random)
        let new = (field.extremes(besides: old) + [bit, bit]).randomElement(using: &random) ?? 0
        try store.set(field, to: new, from: place)
        return "byte \(field.offset) of \(place), \(field.size) bytes: \(old) became \(new)"
    }
}

extension FATLayout {
    fileprivate func over(_ store: MemoryStore) -> FATLayout { FATLayout(self, store: store) }
}

extension FATImage {
    /// What fsck.fat reports about a volume.
    fileprivate func problems(of contents: MemoryStore.Contents) throws -> [String] {
        try contents.write(to: scratch["problems.fat"])
        let result = try OutsideTool("fsck.fat").run(["-n", scratch["problems.fat"].string])
        let lines = (result.text + result.errors).split(separator: "\n").map(String.init)
        return lines.filter { line in
            !line.hasPrefix("fsck.fat ") && !line.hasPrefix("/") && !line.hasPrefix("  ")
                && !line.contains("Leaving filesystem unchanged") && !line.contains("automatically")
        }
    }
}
