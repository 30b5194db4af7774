import Diagnostics
import Filesystems
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct PartitionTableTests {
    let scratch = ScratchDirectory()

    private func disk(megabytes: Int, _ script: String) throws -> FilePath {
        let path = scratch["disk.img"]
        let made = try OutsideTool("truncate").run(["-s", "\(megabytes)M", path.string])
        #expect(made.succeeded)
        let parted = try OutsideTool("sfdisk").run(["--quiet", path.string], input: Array(script.utf8))
        #expect(parted.succeeded, "\(parted.errors)")
        return path
    }

    @Test(arguments: SampleImage.allCases)
    func `a sample image's partitions and labels are found`(_ sample: SampleImage) throws {
        try sample.make(at: scratch["sample.img"])
        let table = try PartitionTable.read(scratch["sample.img"])
        #expect(table.kind == .mbr)
        #expect(table.partitions.map { $0.filesystem?.type } == ["vfat", "ext4"])
        #expect(table.bootPartition?.range.lowerBound == SampleImage.bootStart)
        #expect(table.bootPartition?.filesystem?.version == "FAT32")
    }

    @Test func `GPT is read`() throws {
        let table = try PartitionTable.read(disk(megabytes: 64, "label: gpt\nsize=20M\nsize=20M\n"))
        #expect(table.kind == .gpt)
        #expect(table.partitions.map(\.range.count) == [20 << 20, 20 << 20])
    }

    @Test func `logical partitions are counted, the extended one around them is not`() throws {
        let table = try PartitionTable.read(
            disk(megabytes: 64, "label: dos\nsize=10M,type=c\nsize=40M,type=5\n5 : size=10M,type=83\n"))
        #expect(table.partitions.map(\.number) == [1, 5])
    }

    @Test func `a table that runs past the end is a truncated image`() throws {
        let path = try disk(megabytes: 64, "label: dos\nsize=20M,type=c\nsize=40M,type=83\n")
        let cut = try OutsideTool("truncate").run(["-s", "30M", path.string])
        #expect(cut.succeeded)
        let failure = #expect(throws: Failure.self) { try PartitionTable.read(path) }
        #expect(failure?.code == .partitionPastEnd)
        #expect(failure?.hint?.contains("truncated") == true)
    }

    @Test func `a bare file system is not a card image, and is named`() throws {
        let made = try OutsideTool("mkfs.ext4").run(["-q", scratch["bare.img"].string, "8M"])
        #expect(made.succeeded, "\(made.errors)")
        let failure = #expect(throws: Failure.self) { try PartitionTable.read(scratch["bare.img"]) }
        #expect(failure?.code == .noPartitionTable)
        #expect(failure?.message.contains("ext4") == true)
    }
}
