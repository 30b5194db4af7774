import Diagnostics
import Filesystems
import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Cards

#if canImport(Glibc)
    import Glibc
#endif

/// The same on real block devices: loop devices that each test makes and detaches. They need root.
///
/// Serialized, since a test here asks the kernel about all mounts and swap areas while another one would change them.
@Suite(.serialized) struct LoopCardTests {
    private func blank(_ scratch: ScratchDirectory, _ size: Int64, name: String = "card") throws -> FilePath {
        let file = try ImageFile(creating: scratch[name], size: size)
        return file.path
    }

    private func validated(_ loop: LoopDevice, imageSize: Int64? = nil, protecting: [FilePath] = []) throws
        -> DeviceFacts
    {
        let validation = CardValidation()
        let facts = try validation.disk(at: loop.path)
        try validation.validate(facts, imageSize: imageSize, protecting: protecting)
        return facts
    }

    /// A partitioned image of 24 MiB with a FAT and an ext4 file system.
    private func image(_ scratch: ScratchDirectory) throws -> FilePath {
        let path = scratch.write(SplitMixImage.bytes, to: "image")
        let table = try OutsideTool("sfdisk").run(
            ["--quiet", path.string], input: Array("label: dos\n2048,8M,c\n20480,12M,83\n".utf8))
        try #require(table.succeeded, "\(table.errors)")
        return path
    }

    private enum SplitMixImage {
        static let bytes: [UInt8] = {
            var random = SplitMix64(seed: 11)
            return random.bytes(24 << 20)
        }()
    }

    @Test func `an image is written, read back and seen by the kernel, byte for byte`() throws {
        let scratch = ScratchDirectory()
        let image = try image(scratch)
        let backing = try blank(scratch, 32 << 20)
        let old = try OutsideTool("sfdisk").run(
            ["--quiet", backing.string], input: Array("label: gpt\n2048,20M\n".utf8))
        try #require(old.succeeded, "\(old.errors)")
        let loop = try LoopDevice(over: backing, options: ["--partscan"])
        try loop.addPartitions()
        let facts = try validated(loop, imageSize: 24 << 20, protecting: [image])
        #expect(facts.partitions.count == 1)
        #expect(facts.bus == .loop)
        #expect(facts.size == 32 << 20)
        do {
            let card = try ExclusiveCard(facts)
            let written = try CardWriter(target: card, image: ImageFile(opening: image)).write(
                events: { _ in }, isCancelled: { false })
            #expect(written.verified == 24 << 20)
        }
        let compared = try OutsideTool("cmp").run(["--bytes", "\(24 << 20)", image.string, loop.path.string])
        #expect(compared.succeeded, "\(compared.text)\(compared.errors)")
        #expect(try PartitionTable.read(loop.path).partitions.map(\.range.lowerBound) == [1 << 20, 10 << 20])
        // Two, or none where the kernel has no parser for MBR tables; in no case the old one.
        #expect([0, 2].contains(BlockDeviceTree().facts(loop.kernelName)?.partitions.count))
        let verified = try OutsideTool("sfdisk").run(["--dump", loop.path.string])
        #expect(verified.text.contains("label: dos") && !verified.errors.contains("GPT"), "\(verified.errors)")
    }

    @Test func `a card is written again by comparing, and wiped by the kernel, byte for byte`() throws {
        let scratch = ScratchDirectory()
        let image = try image(scratch)
        var old = scratch.read("image") + [UInt8](repeating: 0xE7, count: 16 << 20)
        for place in [5 << 20, 12 << 20, (24 << 20) - 1] { old[place] ^= 0xFF }
        let backing = scratch.write(old, to: "card")
        let loop = try LoopDevice(over: backing)
        let summary: CardWriter.Summary
        do {
            let card = try ExclusiveCard(try validated(loop, imageSize: 24 << 20))
            #expect(card.queue != nil)
            summary = try CardWriter(target: card, image: ImageFile(opening: image), wipes: true).write(
                events: { _ in }, isCancelled: { false })
        }
        #expect(summary == CardWriter.Summary(verified: 24 << 20, written: (1 << 20) + (3 << 16)))
        #expect(scratch.read("card") == scratch.read("image") + [UInt8](repeating: 0, count: 16 << 20))
    }

    @Test func `a stopped run leaves a loop device on which no tool finds a partition table`() throws {
        let scratch = ScratchDirectory()
        let image = try image(scratch)
        let backing = scratch.write(scratch.read("image"), to: "card")
        let loop = try LoopDevice(over: backing, options: ["--partscan"])
        try loop.addPartitions()
        let facts = try validated(loop)
        #expect(facts.partitions.count == 2)
        do {
            let card = try ExclusiveCard(facts)
            var count = 0
            #expect(throws: Failure.self) {
                try CardWriter(target: card, image: ImageFile(opening: image)).write(
                    events: { _ in },
                    isCancelled: {
                        count += 1
                        return count > 4
                    })
            }
        }
        #expect(throws: Failure.self) { try PartitionTable.read(loop.path) }
        #expect(BlockDeviceTree().facts(loop.kernelName)?.partitions.isEmpty == true, "the kernel forgot the old table")
    }

    @Test func `a mounted loop device is refused, and cannot be opened exclusively either`() throws {
        let scratch = ScratchDirectory()
        let loop = try LoopDevice(over: blank(scratch, 16 << 20))
        let facts = try validated(loop)
        #expect(try OutsideTool("mkfs.ext4").run(["-q", loop.path.string]).succeeded)
        let point = scratch["a mount point"]
        try FileManager.default.createDirectory(atPath: point.string, withIntermediateDirectories: true)
        let mounted = try OutsideTool("mount").run([loop.path.string, point.string])
        try #require(mounted.succeeded, "\(mounted.errors)")
        defer { _ = try? OutsideTool("umount").run([point.string]) }
        let problems = CardValidation().problems(of: facts, imageSize: nil, protecting: [])
        #expect(problems.map(\.code) == [.mounted])
        #expect(problems.first?.message.contains(point.string) == true)
        let file = point.appending("pi.img")
        #expect(FileManager.default.createFile(atPath: file.string, contents: Data([1])))
        let protected = CardValidation().problems(of: facts, imageSize: nil, protecting: [file])
        #expect(protected.map(\.code) == [.mounted, .sourceDisk])
        let busy = #expect(throws: Failure.self) { try ExclusiveCard(facts) }
        #expect(busy?.code == .deviceBusy)
    }

    @Test func `a mount is seen among any number of others`() throws {
        let scratch = ScratchDirectory()
        let lines = (0..<5000).map { "\(20 + $0) 1 0:\($0) / /mnt/\($0) rw - tmpfs none rw\n" }.joined()
        let text =
            "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + lines + "9999 1 8:17 / /media/card rw - vfat /dev/sdb1 rw\n"
        scratch.write(text, to: "self/mountinfo")
        let use = SystemUse(procfs: scratch.path)
        #expect(use.mounts.count == 5002)
        #expect(use.mounts.last?.source == "/dev/sdb1")
        // The real one hands out 4 KiB at a time, which a plain file does not: 200 mounts in a namespace of their own.
        let names = (0..<200).map { "\(scratch.path)/m/\($0)-\(String(repeating: "x", count: 80))" }
        let script = """
            mkdir -p \(names.joined(separator: " ")) && for m in \(scratch.path)/m/*; do mount -t tmpfs none "$m" || exit 1; done
            cat /proc/self/mountinfo >\(scratch.path)/seen; sleep 60 & echo $! >\(scratch.path)/pid
            """
        let made = try OutsideTool("unshare").run(["--mount", "sh", "-c", script])
        try #require(made.succeeded, "\(made.errors)")
        let process = String(decoding: scratch.read("pid"), as: UTF8.self).filter(\.isNumber)
        defer { kill(Int32(process) ?? 0, SIGTERM) }
        let seen = String(decoding: scratch.read("seen"), as: UTF8.self)
        #expect(seen.utf8.count > 16_384)
        try FileManager.default.removeItem(atPath: scratch["self/mountinfo"].string)
        try FileManager.default.createSymbolicLink(
            atPath: scratch["self/mountinfo"].string, withDestinationPath: "/proc/\(process)/mountinfo")
        #expect(SystemUse(procfs: scratch.path).mounts == SystemUse.parse(mountinfo: seen))
    }

    @Test func `a card that another piflash has open exclusively is refused`() throws {
        let scratch = ScratchDirectory()
        let loop = try LoopDevice(over: blank(scratch, 4 << 20))
        let facts = try validated(loop)
        do {
            let first = try ExclusiveCard(facts)
            let busy = #expect(throws: Failure.self) { try ExclusiveCard(facts) }
            #expect(busy?.code == .deviceBusy)
            #expect(busy?.hint?.contains("?") == false, "a glob over a device name would name other devices too")
            withExtendedLifetime(first) {}
        }
        _ = try whenNoChildHoldsIt {
            do throws(Failure) { return try ExclusiveCard(facts) } catch {
                if error.code == .deviceBusy { return nil }
                throw error
            }
        }
    }

    @Test func `a loop device used for swap is refused`() throws {
        let scratch = ScratchDirectory()
        let loop = try LoopDevice(over: blank(scratch, 16 << 20))
        let facts = try validated(loop)
        #expect(try OutsideTool("mkswap").run([loop.path.string]).succeeded)
        let on = try OutsideTool("swapon").run([loop.path.string])
        try #require(on.succeeded, "\(on.errors)")
        defer { _ = try? OutsideTool("swapoff").run([loop.path.string]) }
        #expect(CardValidation().problems(of: facts, imageSize: nil, protecting: []).map(\.code) == [.swapDevice])
        #expect(throws: Failure.self) { try ExclusiveCard(facts) }
    }

    @Test func `a write-protected loop device, one of 4 KiB sectors and one that is too small are refused`() throws {
        let scratch = ScratchDirectory()
        func codes(_ options: [String]) throws -> [Failure.Code] {
            let loop = try LoopDevice(over: blank(scratch, 4 << 20, name: "card\(options)"), options: options)
            let validation = CardValidation()
            let facts = try validation.disk(at: loop.path)
            return validation.problems(of: facts, imageSize: (4 << 20) + 1, protecting: []).map(\.code)
        }
        #expect(try codes(["--read-only"]) == [.tooSmall, .writeProtected])
        #expect(try codes(["--sector-size", "4096"]) == [.tooSmall, .wrongSectorSize])
    }

    @Test func `the disk this system runs from is refused`() throws {
        var status = Glibc.stat()
        try #require(stat("/", &status) == 0)
        let number = "\(status.st_dev >> 8 & 0xFFF):\(status.st_dev & 0xFF | status.st_dev >> 12 & 0xFFFFF00)"
        let tree = BlockDeviceTree()
        let names = tree.disks(under: number)
        try #require(!names.isEmpty, "these tests need a root file system on a block device")
        for name in names {
            let facts = try #require(tree.facts(name))
            let codes = CardValidation().problems(of: facts, imageSize: nil, protecting: ["/etc/passwd"]).map(\.code)
            #expect(codes.contains(.systemDisk) && codes.contains(.mounted) && codes.contains(.sourceDisk))
        }
    }

    @Test func `another card in the same reader is noticed when the device is open`() throws {
        let scratch = ScratchDirectory()
        let loop = try LoopDevice(over: blank(scratch, 4 << 20))
        var facts = try validated(loop)
        facts.serial = "another"
        #expect(throws: Failure.self) { try ExclusiveCard(facts) }
        facts.serial = nil
        facts.size += 512
        let changed = #expect(throws: Failure.self) { try ExclusiveCard(facts) }
        #expect(changed?.code == .deviceChanged)
    }

    @Test func `a card whose medium is removed half-way is reported as removed or failing`() throws {
        let scratch = ScratchDirectory()
        let image = try image(scratch)
        let backing = try blank(scratch, 32 << 20)
        let loop = try LoopDevice(over: backing)
        let card = try ExclusiveCard(try validated(loop))
        var isCut = false
        let failure = #expect(throws: Failure.self) {
            try CardWriter(target: card, image: ImageFile(opening: image)).write(
                events: { event in
                    guard event.phase == .verifying, !isCut else { return }
                    isCut = true
                    // The loop device keeps its size; its reads behind the new end of the file fail with EIO.
                    _ = truncate(backing.string, 2 << 20)
                }, isCancelled: { false })
        }
        #expect(isCut)
        #expect(
            failure?.message.contains("removed, or it or its reader fails") == true, "\(String(describing: failure))")
        #expect(failure?.message.contains("no partition table") == true)
    }

    @Test func `a card that shrinks under the writer is reported as removed`() throws {
        let scratch = ScratchDirectory()
        let image = try image(scratch)
        let backing = try blank(scratch, 32 << 20)
        let loop = try LoopDevice(over: backing)
        let card = try ExclusiveCard(try validated(loop))
        var isCut = false
        let failure = #expect(throws: Failure.self) {
            try CardWriter(target: card, image: ImageFile(opening: image)).write(
                events: { event in
                    guard event.phase == .writing, event.done > 0, !isCut else { return }
                    isCut = true
                    _ = truncate(backing.string, 3 << 20)
                    _ = try? OutsideTool("losetup").run(["--set-capacity", loop.path.string])
                }, isCancelled: { false })
        }
        #expect(isCut)
        #expect(failure?.code == .cardRemoved, "\(String(describing: failure))")
    }

    @Test func `a partition of a real device is refused by the disk's name`() throws {
        let scratch = ScratchDirectory()
        let loop = try LoopDevice(over: try image(scratch), options: ["--partscan"])
        try loop.addPartitions()
        let failure = #expect(throws: Failure.self) {
            try CardValidation().disk(at: FilePath("\(loop.path)p1"))
        }
        #expect(failure?.code == .notAWholeDisk)
        #expect(failure?.hint == "name the whole card: \(loop.path)")
        let link = scratch["by-id"]
        try FileManager.default.createSymbolicLink(atPath: link.string, withDestinationPath: loop.path.string)
        #expect(try CardTargetPath(link) == .device(loop.path))
        #expect(try CardValidation().disk(at: link).path == loop.path)
    }
}
