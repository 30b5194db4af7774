import Storage
import SystemPackage
import TestSupport
import Text

/// The disks that inputs change: small ones, made when they are first needed, by mkfs where they hold files.
enum SampleDisks {
    /// A boot partition and a root partition, in the first sector.
    static let mbr = table([(0x0C, 8, 800), (0x83, 1024, 900)])

    /// An extended partition with a logical one.
    static let logical: [UInt8] = {
        var disk = table([(0x0C, 8, 100), (0x05, 128, 1500)], size: 130 * 512)
        disk.replace(128 * 512, table([(0x83, 1, 200), (0x05, 300, 400)]))
        return disk
    }()

    /// UEFI 2.10, 5.3: a protective MBR, a header and two entries; the backup is missing, as on an image that was enlarged.
    static let gpt: [UInt8] = {
        var disk = table([(0xEE, 1, 2047)], size: 34 * 512)
        disk.replace(512, Array("EFI PART".utf8))
        for (place, value) in [
            (8, 0x10000), (12, 92), (24, 1), (32, 2047), (40, 34), (48, 2014), (72, 2), (80, 128), (84, 128),
        ]
            as [(Int, UInt32)]
        { disk.set(value, at: 512 + place) }
        disk.replace(512 + 56, Array(1...16))
        for (index, range) in [(40, 800), (900, 2000)].enumerated() {
            let entry = 1024 + index * 128
            // The type "Linux filesystem data".
            disk.replace(
                entry,
                [0xAF, 0x3D, 0xC6, 0x0F, 0x83, 0x84, 0x72, 0x47, 0x8E, 0x79, 0x3D, 0x69, 0xD8, 0x47, 0x7D, 0xE4])
            disk.replace(entry + 16, Array(repeating: UInt8(index + 1), count: 16))
            disk.set(UInt32(range.0), at: entry + 32)
            disk.set(UInt32(range.1), at: entry + 40)
        }
        Checksums.repairGPT(&disk)
        return disk
    }()

    private static func table(_ partitions: [(type: UInt8, first: UInt32, count: UInt32)], size: Int = 512) -> [UInt8] {
        var disk = [UInt8](repeating: 0, count: size)
        disk.replace(440, [1, 2, 3, 4])
        for (index, partition) in partitions.enumerated() {
            let entry = 446 + index * 16
            disk[entry + 4] = partition.type
            disk.set(partition.first, at: entry + 8)
            disk.set(partition.count, at: entry + 12)
        }
        disk.replace(510, [0x55, 0xAA])
        return disk
    }

    // MARK: File systems

    struct Volume: Sendable {
        let disk: PatchedDisk
        let contents: MemoryStore.Contents

        init(_ bytes: [UInt8]) {
            disk = PatchedDisk(bytes)
            contents = MemoryStore.Contents(bytes)
        }

        func patched(_ input: inout FuzzInput) throws -> MemoryStore {
            let store = MemoryStore(contents, name: "volume")
            for patch in disk.patches(&input) { try store.write(patch.bytes, at: Int64(patch.place)) }
            return store
        }
    }

    private static let fat: [Volume] = [
        (["-F", "16", "-s", "1", "-C"], 2200), (["-F", "16", "-s", "4", "-R", "8", "-f", "1", "-C"], 8800),
        (["-F", "32", "-s", "1", "-C"], 33_400),
    ].map { options, kilobytes in
        volume { path in
            try run("mkfs.fat", options + ["-n", "TEST", "--invariant", path.string, "\(kilobytes)"])
            // Long names, a directory of several clusters, a file of several, and one that goes.
            try run(
                "sh",
                [
                    "-c",
                    """
                    cd "$(dirname "$0")" && i=0
                    mmd -i "$0" ::overlays
                    while [ $i -lt 20 ]; do echo $i >"overlay number $i.dtbo"; i=$((i+1)); done
                    head -c 3000 /dev/zero | tr '\\0' k >kernel.img
                    echo 'root=/dev/mmcblk0p2 rootwait' >cmdline.txt
                    echo 'arm_64bit=1' >config.txt
                    mcopy -i "$0" overlay*.dtbo ::overlays && mcopy -i "$0" kernel.img cmdline.txt config.txt ::
                    """, path.string,
                ])
        }
    }

    static func patchedFAT(_ input: inout FuzzInput) throws -> MemoryStore {
        // The large one is slow: a few inputs are enough for it.
        let number = input.byte()
        return try fat[number == 0xFE ? 2 : number % 2].patched(&input)
    }

    private static let ext4: [Volume] = [
        ["-t", "ext2", "-b", "1024"],
        ["-t", "ext4", "-b", "1024", "-O", "^metadata_csum,^64bit,^has_journal"],
        ["-t", "ext4", "-b", "1024", "-O", "metadata_csum,64bit,^has_journal,inline_data"],
        ["-t", "ext4", "-b", "4096", "-O", "metadata_csum,^has_journal,^resize_inode"],
        ["-t", "ext4", "-b", "1024", "-O", "metadata_csum,64bit", "-J", "size=1"],
    ].map { options in
        volume { path in
            let tree = ScratchDirectory()
            tree.write("pi\n", to: "etc/hostname")
            tree.write("ID=debian\nVERSION_ID=12\n", to: "usr/lib/os-release")
            tree.write("Package: systemd\nStatus: install ok installed\nVersion: 252.1\n", to: "var/lib/dpkg/status")
            tree.write("root:x:0:0:root:/root:/bin/sh\n", to: "etc/passwd")
            for index in 0..<20 { tree.write("\(index)\n", to: "usr/share/many/file-\(index)") }
            try run(
                "mke2fs",
                [
                    "-q", "-F", "-d", tree.path.string, "-U", "11111111-2222-3333-4444-555555555555", "-E",
                    "hash_seed=66666666-7777-8888-9999-aaaaaaaaaaaa", "-N", "128",
                ] + options + [path.string, options.contains("-J") ? "3m" : "512k"])
        }
    }

    /// With the checksums of the superblock and of the groups right, unless the input wants them as they come.
    static func patchedExt4(_ input: inout FuzzInput) throws -> MemoryStore {
        let kind = input.byte()
        let store = try ext4[(kind & 0x7F) % ext4.count].patched(&input)
        if kind & 0x80 == 0 {
            var start = try store.bytes(at: 0, count: 16384)
            Checksums.repairExt4(&start)
            try store.write(start, at: 0)
        }
        return store
    }

    /// A fuzzer without the programs that make its disks is of no use: it ends.
    private static func volume(_ make: (FilePath) throws -> Void) -> Volume {
        let scratch = ScratchDirectory()
        do { try make(scratch["volume"]) } catch { fatalError("\(error)") }
        return Volume(scratch.read("volume"))
    }

    private static func run(_ program: String, _ arguments: [String]) throws {
        let result = try OutsideTool(program).run(
            arguments,
            environment: [
                "E2FSPROGS_FAKE_TIME": "1760000000", "MKE2FS_CONFIG": "/nonexistent", "MTOOLS_SKIP_CHECK": "1",
                "SOURCE_DATE_EPOCH": "1760000000",
            ])
        guard result.succeeded else { throw OutsideTool.Missing(description: "\(program): \(result.errors)") }
    }
}
