import Cards
import Diagnostics
import Filesystems
import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Racks

@Suite struct CardOccupancyTests {
    let scratch = ScratchDirectory()

    /// A file of 64 MiB, worked on by a shell script in which $1 is its path.
    private func occupancy(_ script: String) throws -> CardOccupancy {
        let path = scratch["card"]
        let made = try OutsideTool("sh").run([
            "-ec", "export MTOOLS_SKIP_CHECK=1; rm -f \"$1\"; truncate -s 64M \"$1\"; \(script)", "sh", path.string,
        ])
        guard made.succeeded else { throw OutsideTool.Missing(description: made.text + made.errors) }
        return CardOccupancy(of: try ImageFile(opening: path), at: path)
    }

    private func files(_ text: String) -> CardOccupancy { .somebodys("there are files on it: \(text)") }

    /// One partition of the given type from 1 MiB on.
    private func partition(_ type: String) -> String { "echo '2048,,\(type)' | sfdisk -q \"$1\"" }

    @Test func `a card as it is sold is free`() throws {
        #expect(try occupancy(":") == .free)
        #expect(try occupancy("mkfs.vfat \"$1\"") == .free)
        #expect(try occupancy("mkfs.exfat \"$1\"") == .free)
        #expect(try occupancy(partition("c")) == .free)
        #expect(try occupancy("\(partition("c")); mkfs.vfat --offset 2048 -F 32 -s 1 \"$1\" 50000") == .free)
        // What a computer leaves on a card that it only read.
        #expect(try occupancy("mkfs.vfat \"$1\"; mmd -i \"$1\" '::System Volume Information'") == .free)
    }

    @Test func `a Raspberry Pi's card is free, with all that is on it`() throws {
        try SampleImage.hypriot.make(at: scratch["sample.img"])
        #expect(
            CardOccupancy(
                of: try ImageFile(opening: scratch["sample.img"]),
                table: try PartitionTable.read(scratch["sample.img"]),
                whole: nil) == .free)
        let boot = "\(partition("c")); mkfs.vfat --offset 2048 -F 32 -s 1 \"$1\" 50000"
        #expect(try occupancy("\(boot); echo x > \"$1.t\"; mcopy -i \"$1@@1M\" \"$1.t\" ::config.txt") == .free)
    }

    @Test func `files that somebody needs are reported by name`() throws {
        #expect(try occupancy("mkfs.vfat \"$1\"; mmd -i \"$1\" ::DCIM") == files("DCIM"))
        #expect(
            try occupancy("mkfs.vfat \"$1\"; for i in 1 2 3 4 5; do mmd -i \"$1\" \"::holiday $i\"; done")
                == files("holiday 1, holiday 2, holiday 3 and 2 more"))
        #expect(
            try occupancy(
                "\(partition("c")); mkfs.vfat --offset 2048 -F 32 -s 1 \"$1\" 50000; mmd -i \"$1@@1M\" ::DCIM")
                == files("DCIM"))
        #expect(try occupancy("mkfs.ext4 -q \"$1\"") == .somebodys("it has a file system of type ext4"))
    }

    @Test func `a card whose contents cannot be identified is somebody's`() throws {
        let isNotRead = CardOccupancy.somebodys("its partition table cannot be read")
        // Copied from a larger card, and cut off.
        let whole = "printf '2048,50M,c\\n,,83\\n' | sfdisk -q \"$1\"; mkfs.vfat --offset 2048 -F 32 -s 1 \"$1\" 50000"
        #expect(try occupancy("\(whole); mmd -i \"$1@@1M\" ::DCIM; truncate -s 55M \"$1\"") == isNotRead)
        #expect(try occupancy("printf 'label: gpt\\n2048,\\n' | sfdisk -q \"$1\"; truncate -s 40M \"$1\"") == isNotRead)
        // Of another system.
        #expect(try occupancy("printf 'label: sun\\n,20M\\n' | sfdisk -q \"$1\"") == isNotRead)
        // An older file system was not wiped when the newer one was made.
        let both = "mkfs.ext4 -q \"$1\"; printf '%s' -rom1fs- | dd of=\"$1\" conv=notrunc status=none"
        #expect(try occupancy(both) == .somebodys("its contents cannot be identified"))
        // Encrypted, without any sign.
        let noise = "head -c 2M /dev/urandom | dd of=\"$1\" conv=notrunc status=none"
        let isUnknown = CardOccupancy.somebodys("it has contents that are not recognised")
        #expect(
            try occupancy("\(noise); dd if=/dev/zero of=\"$1\" bs=2 seek=255 count=1 conv=notrunc status=none")
                == isUnknown)
        #expect(try occupancy("\(noise) seek=2048; \(partition("83"))") == isUnknown)
    }

    @Test func `a card on which a run failed is free`() throws {
        let path = scratch["card"]
        #expect(try occupancy("yes | head -c 64M > \"$1\"") != .free)
        let store = MemoryStore(scratch.read("card"))
        let disk = FakeDisk(store.allBytes, faults: [.fails(at: 12, .ioError)])
        #expect(throws: Failure.self) {
            try CardWriter(target: disk, image: store).write(events: { _ in }, isCancelled: { false })
        }
        scratch.write(disk.medium, to: "card")
        #expect(CardOccupancy(of: try ImageFile(opening: path), at: path) == .free)
    }

    /// No program here writes exFAT: the entries are made by hand, as in the specification.
    @Test func `names on exFAT are read, however long`() throws {
        func entry(_ type: UInt8, _ rest: [UInt8]) -> [UInt8] {
            [type] + rest + [UInt8](repeating: 0, count: 31 - rest.count)
        }
        func file(_ name: String) -> [UInt8] {
            let units = Array(name.utf16)
            var bytes = entry(0x85, []) + entry(0xC0, [1, 0, UInt8(units.count)])
            for start in stride(from: 0, to: units.count, by: 15) {
                bytes += entry(
                    0xC1,
                    [0] + units[start..<min(start + 15, units.count)].flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
            }
            return bytes
        }
        _ = try occupancy("mkfs.exfat \"$1\"")
        let path = scratch["card"]
        var bytes = scratch.read("card")
        func word(_ at: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) } }
        let start = word(88) << Int(bytes[108]) + (word(96) - 2) << Int(bytes[108] + bytes[109])
        let present = (0..<8).filter { bytes[start + 32 * $0] != 0 }.count
        // A deleted file has the in-use bit cleared.
        let deleted = file("gone").enumerated().map { $0 % 32 == 0 ? $1 & 0x7F : $1 }
        let more = deleted + file("System Volume Information") + file("Präsentation über Vögel.odp")
        bytes.replaceSubrange((start + 32 * present)..<(start + 32 * present + more.count), with: more)
        scratch.write(bytes, to: "card")
        #expect(
            try ExFATRoot.names(in: ImageFile(opening: path)) == [
                "System Volume Information", "Präsentation über Vögel.odp",
            ])
        #expect(
            CardOccupancy(of: try ImageFile(opening: path), table: nil, whole: "exfat")
                == files("Präsentation über Vögel.odp"))
    }

    @Test func `a damaged exFAT volume is somebody's, and reading it ends`() throws {
        _ = try occupancy("mkfs.exfat \"$1\"")
        let good = scratch.read("card")
        var random = SplitMix64(seed: 7)
        for _ in 0..<200 {
            var bytes = Array(good[..<(1 << 20)])
            for _ in 0..<4 {
                bytes[Int.random(in: 64..<120, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let store = MemoryStore(bytes)
            // Any answer will do, but no trap and no endless loop.
            _ = try ExFATRoot.names(in: store)
        }
    }
}
