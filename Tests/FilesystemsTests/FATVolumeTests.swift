import Diagnostics
import Filesystems
import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

@Suite struct FATVolumeTests {
    @Test func `a tree made by mtools is read byte for byte`() throws {
        let image = try FATImage(kilobytes: 36000, ["-F", "32", "-s", "1"])
        image.scratch.write("lower", to: "in/cmdline.txt")
        image.scratch.write("mixed", to: "in/overlays/Some Long Name.dtbo")
        image.scratch.write([UInt8](repeating: 9, count: 100_000), to: "in/KERNEL.IMG")
        try image.store.contents.write(to: image.scratch["made.fat"])
        let copied = try OutsideTool("sh").run(
            ["-c", "mcopy -s -i \"$0\" \"$1\"/* ::", image.scratch["made.fat"].string, image.scratch["in"].string],
            environment: ["MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C.UTF-8"])
        #expect(copied.succeeded, "\(copied.errors)")
        let volume = try FATVolume(MemoryStore(image.scratch.read("made.fat")), name: "made", modified: FATImage.time)
        #expect(volume.label == "TEST")
        #expect(try volume.list("")?.map(\.name) == ["KERNEL.IMG", "cmdline.txt", "overlays"])
        #expect(try volume.read("overlays/some long name.DTBO") == Array("mixed".utf8))
        #expect(try volume.read("kernel.img")?.count == 100_000)
        #expect(try volume.read("cmdline.txt") == Array("lower".utf8))
        #expect(try volume.read("overlays") == nil)
        #expect(try volume.list("nowhere") == nil)
    }

    @Test func `many names with the same start get different short names`() throws {
        let image = try FATImage(kilobytes: 4400, ["-F", "16", "-s", "2"])
        var volume = try image.volume()
        for index in 0..<30 { try volume.write([UInt8(index)], to: "dir/configuration file \(index).text") }
        #expect(try image.complaints() == nil)
        #expect(try image.filesOfMtools().count == 30)
    }

    @Test(arguments: [
        "a:b", "a*b", "end.", "end ", "", "..", "x/../y", String(repeating: "n", count: 256), "tab\tname",
    ])
    func `a name that FAT cannot hold is refused and changes nothing`(_ name: String) throws {
        let image = try FATImage(kilobytes: 4400, ["-F", "16", "-s", "2"])
        var volume = try image.volume()
        let before = image.store.contents
        #expect(throws: Failure.self) { try volume.write([1], to: name) }
        #expect(image.store.contents == before)
    }

    @Test func `FAT16's fixed root directory can be full`() throws {
        let image = try FATImage(kilobytes: 4400, ["-F", "16", "-s", "2", "-r", "16"])
        var volume = try image.volume()
        var failure: Failure?
        for index in 0..<600 {
            do throws(Failure) { try volume.write([1], to: "FILE\(index).TXT") } catch {
                failure = error
                break
            }
        }
        #expect(failure?.code == .filesystemFull)
        #expect(failure?.message.contains("root directory") == true)
        #expect(try image.complaints() == nil)
    }

    @Test func `FAT12 and exFAT are refused by name`() throws {
        let small = try FATImage(kilobytes: 1440, [])
        let twelve = #expect(throws: Failure.self) { try small.volume() }
        #expect(twelve?.message.contains("FAT12") == true)
        var sector = [UInt8](repeating: 0, count: 4096)
        sector.replaceSubrange(0..<11, with: [0xEB, 0x76, 0x90] + Array("EXFAT   ".utf8))
        sector[510] = 0x55
        sector[511] = 0xAA
        let ex = #expect(throws: Failure.self) {
            try FATVolume(MemoryStore(sector), name: "the card", modified: FATImage.time)
        }
        #expect(ex?.message.contains("exFAT") == true)
        #expect(ex?.severity == .refused)
    }

    @Test func `a volume that was not unmounted is read but not edited`() throws {
        let image = try FATImage(kilobytes: 36000, ["-F", "32", "-s", "1"])
        var volume = try image.volume()
        try volume.write([1], to: "a")
        var bytes = image.store.allBytes
        bytes[65] |= 1
        let store = MemoryStore(bytes)
        var dirty = try FATVolume(store, name: "dirty", modified: FATImage.time)
        #expect(try dirty.read("a") == [1])
        let failure = #expect(throws: Failure.self) { try dirty.write([2], to: "a") }
        #expect(failure?.hint?.contains("fsck.fat") == true)
        #expect(store.allBytes == bytes)
    }

    @Test func `files carry the time that the caller gives`() throws {
        let image = try FATImage(kilobytes: 4400, ["-F", "16", "-s", "2"])
        // 2026-02-02 02:40:00 UTC
        var volume = try image.volume()
        try volume.write([1], to: "A.TXT")
        try image.store.contents.write(to: image.scratch["check.fat"])
        let listing = try OutsideTool("mdir").run(
            ["-i", image.scratch["check.fat"].string, "::A.TXT"], environment: ["MTOOLS_SKIP_CHECK": "1"])
        #expect(listing.text.contains("2026-02-02"))
        #expect(listing.text.contains("2:40"))
    }

    @Test func `new data, then tables, then directories reach the store, each flushed`() throws {
        let image = try FATImage(kilobytes: 36000, ["-F", "32", "-s", "8"])
        var volume = try image.volume()
        let logged = image.store.log.count
        try volume.write([UInt8](repeating: 3, count: 50_000), to: "file.bin")
        let log = Array(image.store.log[logged...])
        #expect(log.filter { $0 == nil }.count >= 3)
        #expect(log.last == .some(nil))
    }
}
