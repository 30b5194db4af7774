import Diagnostics
import Filesystems
import Foundation
import Storage
import SystemPackage
import TestSupport
import Testing
import Text

/// An edit of a damaged volume is refused and leaves it alone, or leaves e2fsck with nothing more to report than before.
@Suite struct Ext4DamageTests {
    static let kinds = [
        ["-t", "ext4", "-O", "metadata_csum,64bit"], ["-t", "ext4", "-O", "uninit_bg,^metadata_csum,^64bit"],
        ["-t", "ext4", "-O", "^metadata_csum,^uninit_bg"], ["-t", "ext3"], ["-t", "ext2"],
    ].map(Ext4MatrixTests.Kind.init)

    private func image(_ kind: Ext4MatrixTests.Kind) throws -> Ext4Image {
        let image = try Ext4Image(
            kilobytes: 6000, kind.options + ["-b", "1024", "-g", "2048", "-N", "192"],
            prepare: ["mkdir etc", "mkdir lib", "symlink lib/link ../etc"])
        try image.apply(
            (0..<25).map {
                TreeChange(.file(contents: pattern(400 * $0, UInt64($0)), mode: 0o644), at: "/etc/dir \($0 % 4)/\($0)")
            } + [TreeChange(.file(contents: pattern(90_000), mode: 0o755), at: "/lib/large")])
        return image
    }

    private static let changes = [
        TreeChange(.file(contents: pattern(30_000, 3), mode: 0o600), at: "/etc/dir 0/4"),
        TreeChange(.file(contents: pattern(2_000, 4), mode: 0o600), at: "/lib/new dir/new"),
        TreeChange(.removal, at: "/etc/dir 1/5"),
        TreeChange(.symbolicLink(target: "large"), at: "/lib/another"),
        TreeChange(.file(contents: pattern(70_000, 5), mode: 0o600), at: "/lib/large"),
    ]

    // MARK: Accounts

    /// What is damaged, and a word of the message.
    enum Account: String, CaseIterable, Sendable {
        case freeBlocks = "superblock", freeBlocksUpper = "are free", freeInodes = "inodes"
        case groupBlocks = "group 0", groupInodes = "free inodes", groupDirectories = "directories"
        case bits = "free blocks, but its", swappedBits = "calls free"
        case bitmapPlace = "block bitmap", inodeBitmapPlace = "inode bitmap", tablePlace = "inode table"
        case tableShifted = "for inode table", inodeBits = "inode"
    }

    @Test(arguments: Account.allCases, [kinds[0], kinds[2]])
    func `a volume whose account of free space is wrong is read but not edited`(
        _ account: Account, _ kind: Ext4MatrixTests.Kind
    ) throws {
        let image = try image(kind)
        let layout = try Ext4Layout(of: image.store)
        let hasChecksums = kind.options.joined().contains("metadata_csum,64bit")
        if account == .freeBlocksUpper, !hasChecksums { return }
        try layout.damage(account)
        let before = image.store.contents
        let failure = try #require(refusal { () throws(Failure) in try image.apply(Self.changes) })
        #expect(failure.severity == .refused)
        #expect(failure.message.contains("the volume"), "\(failure)")
        #expect(
            failure.message.contains(account.rawValue) || hasChecksums && failure.message.contains("checksum"),
            "\(failure)")
        #expect(failure.hint?.contains("e2fsck") == true, "\(failure)")
        #expect(image.store.contents == before)
        #expect(try !image.problems(of: before).isEmpty)
    }

    /// One bit of the place of a bitmap, without checksums: `../shared/cases/faults/ext-descriptor` was such a one.
    @Test func `a bit of a group descriptor that lies is found before an edit`() throws {
        let sound = try image(Self.kinds[3])
        let place = try Ext4Layout(of: sound.store).descriptor(0)
        for bit in 0..<96 {
            let store = MemoryStore(sound.store.contents)
            let byte = place + Int64(bit / 8)
            try store.write([store.bytes(at: byte, count: 1)[0] ^ 1 << UInt8(bit % 8)], at: byte)
            let before = store.contents
            let failure = refusal { () throws(Failure) in
                _ = try Ext4Volume.apply(Self.changes, to: store, name: "the volume", time: 1)
            }
            #expect(failure != nil, "bit \(bit)")
            #expect(store.contents == before, "bit \(bit)")
        }
    }

    /// The checks know everything that a kernel leaves behind: deleted files, files with two names, shared attributes,
    /// large and sparse ones.
    @Test(arguments: [
        ["-t", "ext4", "-O", "metadata_csum,64bit"], ["-t", "ext3"], ["-t", "ext4", "-b", "1024", "-O", "inline_data"],
        ["-t", "ext4", "-O", "bigalloc", "-C", "16384"],
    ]) func `a volume that the kernel wrote is edited`(_ options: [String]) throws {
        let image = try Ext4Image(kilobytes: 40_000, options)
        try image.store.contents.write(to: image.scratch["kernel.ext4"])
        let device = try LoopDevice(over: image.scratch["kernel.ext4"])
        image.scratch.write(Self.work, to: "work.py")
        let place = try image.scratch.makeDirectory("mounted")
        // In a mount namespace of its own, nothing stays mounted.
        let script = "mount \"$0\" \"$1\" && python3 \"$2\" \"$1\" && umount \"$1\""
        let worked = try OutsideTool("unshare").run([
            "--mount", "sh", "-c", script, device.path.string, "\(place)", image.scratch["work.py"].string,
        ])
        #expect(worked.succeeded, "\(worked.errors)")
        let store = MemoryStore(image.scratch.read("kernel.ext4"))
        #expect(try image.problems(of: store.contents).isEmpty)
        let changes = [
            TreeChange(.file(contents: pattern(5000), mode: 0o600), at: "/etc/file 2"),
            TreeChange(.removal, at: "/etc/large"), TreeChange(.removal, at: "/etc/file 8"),
        ]
        #expect(try Ext4Volume.apply(changes, to: store, name: "the volume", time: 1_770_000_000).count == 3)
        #expect(try image.problems(of: store.contents).isEmpty)
    }

    private static let work = """
        import os, sys
        os.chdir(sys.argv[1])
        os.mkdir("etc")
        for number in range(200):
            with open(f"etc/file {number}", "w") as file:
                file.write("x" * 100 * number)
        for number in range(0, 200, 3):
            os.remove(f"etc/file {number}")
        os.link("etc/file 4", "etc/second name")
        for name in ("etc/file 7", "etc/file 8", "etc/file 10"):
            os.setxattr(name, "user.large", b"v" * 900)
        with open("etc/large", "wb") as file:
            file.write(os.urandom(3 << 20))
        with open("etc/sparse", "wb") as file:
            for place in range(0, 200 << 20, 20 << 20):
                file.seek(place)
                file.write(b"here")
        """

    // MARK: Files

    @Test(arguments: [kinds[0], kinds[3]])
    func `files that share a block or use a free one are not in an edited volume`(_ kind: Ext4MatrixTests.Kind) throws {
        let sound = try image(kind)
        let victim = try sound.inode("\"/etc/dir 1/9\"")
        let layout = try Ext4Layout(of: sound.store)
        let field = DiskField(offset: try layout.inode(victim) + (kind.options.contains("ext3") ? 0x28 : 0x3C), size: 4)
        let other = try layout.firstBlock(of: sound.inode("/lib/large"))
        for (block, word) in [(other, "belongs to another"), (5900, "free"), (2, "itself"), (60_000, "outside")] {
            let changed = MemoryStore(sound.store.contents)
            try changed.set(field, to: UInt64(block))
            try Ext4Layout(layout, store: changed).finishInode(victim)
            let before = changed.contents
            let failure = try #require(
                refusal { () throws(Failure) in
                    _ = try Ext4Volume.apply(Self.changes, to: changed, name: "the volume", time: 1)
                })
            #expect(failure.message.contains(word), "\(failure)")
            #expect(failure.hint?.contains("e2fsck -f") == true)
            #expect(changed.contents == before)
        }
    }

    @Test func `a file that counts names which it does not have is not replaced`() throws {
        let sound = try image(Self.kinds[0])
        let large = try sound.inode("/lib/large")
        let layout = try Ext4Layout(of: sound.store)
        try layout.put(2, 2, at: layout.inode(large) + 0x1A)
        try layout.finishInode(large)
        let before = sound.store.contents
        let failure = refusal { () throws(Failure) in try sound.apply(Self.changes) }
        #expect(failure?.message.contains("counts 2 names and has 1") == true, "\(failure as Any)")
        #expect(sound.store.contents == before)
    }

    @Test func `a directory that names a free inode is not edited`() throws {
        let sound = try image(Self.kinds[0])
        let etc = try sound.inode("/lib")
        let layout = try Ext4Layout(of: sound.store)
        let block = try layout.firstBlock(of: etc)
        // The entry behind "." and "..".
        try layout.put(150, 4, at: layout.block(block) + 24)
        try layout.finishDirectoryBlock(etc, block: block)
        let before = sound.store.contents
        let failure = refusal { () throws(Failure) in try sound.apply(Self.changes) }
        #expect(failure?.message.contains("inode 150, which is not in use") == true, "\(failure as Any)")
        #expect(sound.store.contents == before)
    }

    @Test(arguments: kinds) func `random damage is refused, or an edit makes nothing worse`(
        _ kind: Ext4MatrixTests.Kind
    )
        throws
    {
        try check(kind, seeds: 0..<25)
    }

    /// `make test-long`: before a release, and after a change to the ext4 code.
    @Test(
        .enabled("runs for minutes: `make test-long`") { ProcessInfo.processInfo.environment["PIFLASH_LONG"] != nil },
        arguments: kinds)
    func `a thousand further damages are, too`(_ kind: Ext4MatrixTests.Kind) throws {
        try check(kind, seeds: 1000..<2000)
    }

    private func check(_ kind: Ext4MatrixTests.Kind, seeds: Range<UInt64>) throws {
        let image = try image(kind)
        let sound = image.store.contents
        let layout = try Ext4Layout(of: MemoryStore(sound))
        var names: [Int] = [2, 7, 8, 11]
        for path in [
            "/etc", "/lib", "/lib/link", "/lib/large", "\"/etc/dir 0\"", "\"/etc/dir 0/4\"", "\"/etc/dir 1/9\"",
        ] {
            names.append(try image.inode(path))
        }
        var edited = 0
        for seed in seeds {
            var random = SplitMix64(seed: seed)
            let store = MemoryStore(sound)
            let what = try Ext4Layout(layout, store: store).damage(inodes: names, &random)
            let before = store.contents
            let failure = refusal { () throws(Failure) in
                _ = try Ext4Volume.apply(Self.changes, to: store, name: "the volume", time: 1_770_000_000)
            }
            if failure != nil {
                #expect(store.contents == before, "seed \(seed), \(what)")
                continue
            }
            edited += 1
            let (old, new) = (try image.problems(of: before), try image.problems(of: store.contents))
            #expect(new.count <= old.count, "seed \(seed), \(what): \(old) became \(new)")
        }
        print("\(kind.testDescription): \(edited) of \(seeds.count) were edited")
    }
}

extension Ext4Image {
    /// The questions that e2fsck asks about a volume, and what it is about to give up for.
    fileprivate func problems(of contents: MemoryStore.Contents) throws -> [String] {
        try contents.write(to: scratch["problems.ext4"])
        let result = try OutsideTool("e2fsck").run(["-f", "-n", scratch["problems.ext4"].string])
        let lines = (result.text + result.errors).split(separator: "\n").map(String.init)
        return lines.filter { line in
            !["e2fsck ", "Pass ", "/", "Fix? ", "\t"].contains { line.hasPrefix($0) } && !line.contains(" files (")
        }
    }
}

extension Ext4Layout {
    fileprivate func damage(_ account: Ext4DamageTests.Account) throws {
        func add(_ change: Int, _ size: Int, _ offset: Int64) throws {
            let field = DiskField(offset: offset, size: size)
            try store.set(field, to: UInt64(Int(store.value(of: field)) + change))
        }
        let group = descriptor(0)
        switch account {
        case .freeBlocks: try add(3, 4, 1024 + 0xC)
        case .freeBlocksUpper: try add(0x7FFF_FFFF, 4, 1024 + 0x158)
        case .freeInodes: try add(-2, 4, 1024 + 0x10)
        case .groupBlocks: try add(-7, 2, group + 12)
        case .groupInodes: try add(1, 2, group + 14)
        case .groupDirectories: try add(1, 2, group + 16)
        case .bits, .swappedBits:
            // 64 blocks of the journal become free; or as many others used, so that the number is right.
            let (group, index) = try (firstBlock(of: 8) - firstBlock).quotientAndRemainder(
                dividingBy: blocksPerGroup)
            let bitmap = try blockBitmap(group)
            try store.write([UInt8](repeating: 0, count: 8), at: bitmap + Int64(index / 8 + 1))
            guard account == .swappedBits else { return }
            for start in stride(from: 0, to: blocksPerGroup / 8 - 8, by: 8)
            where !(index / 8..<index / 8 + 16).contains(start) {
                let place = bitmap + Int64(start)
                guard try store.bytes(at: place, count: 8).allSatisfy({ $0 == 0 }) else { continue }
                return try store.write([UInt8](repeating: 0xFF, count: 8), at: place)
            }
        case .bitmapPlace: try store.write([0, 0, 0, 1], at: group)
        case .inodeBitmapPlace: try store.write([0, 0, 0, 1], at: group + 4)
        case .tablePlace: try store.write([0, 0, 0, 1], at: group + 8)
        case .tableShifted: try add(1, 4, group + 8)
        case .inodeBits:
            let place = try block(Int(store.bytes(at: group + 4, count: 4).u32(0)))
            try store.write([0x7F], at: place + 1)
        }
        try finishDescriptor(0)
        try finishSuperblock()
    }

    /// One random change of one structure, with right checksums more often than not; returns what it was.
    fileprivate func damage(inodes: [Int], _ random: inout SplitMix64) throws -> String {
        func pick(_ values: [Int]) -> Int { values.randomElement(using: &random) ?? 0 }
        let isFinished = Int.random(in: 0..<10, using: &random) > 0
        func change(_ field: DiskField, from base: Int64) throws -> String {
            let old = try store.value(of: field, from: base)
            let others = [2, 8, 40, 1024, 2047, 2048, 5999, 0x8000, 0xF30A, 1, 12, 150]
            let choices =
                field.extremes(besides: old) + others.map { UInt64($0) }
                + [old ^ 1 << UInt64.random(in: 0..<UInt64(8 * field.size), using: &random)]
            let new = choices.randomElement(using: &random) ?? 0
            try store.set(field, to: new, from: base)
            return "byte \(field.offset) of \(base), \(field.size) bytes: \(old) became \(new)"
        }
        switch Int.random(in: 0..<9, using: &random) {
        case 0:
            let long = Array(stride(from: 0, to: 0x38, by: 4)) + [0x54, 0x5C, 0xC8, 0xE0, 0xE8, 0x150, 0x158, 0x160]
            let field = DiskField(offset: Int64(pick(long)), size: 4)
            let what = try change(field, from: 1024)
            if isFinished { try finishSuperblock() }
            return what
        case 1, 2:
            let group = Int.random(in: 0..<groupCount, using: &random)
            let field = DiskField(offset: Int64(pick([0, 4, 8, 12, 14, 16, 18, 28])), size: 2)
            let what = try change(field, from: descriptor(group))
            if isFinished { try finishDescriptor(group) }
            return what
        case 3:
            let group = Int.random(in: 0..<groupCount, using: &random)
            let kind = Int64(Bool.random(using: &random) ? 0 : 4)
            let place = try block(Int(store.bytes(at: descriptor(group) + kind, count: 4).u32(0)))
            let byte = [0, 0xFF, UInt8.random(in: 0...255, using: &random)].randomElement(using: &random) ?? 0
            let count = pick([1, 1, 2, 8])
            let offset = Int64.random(in: 0..<200, using: &random)
            try store.write([UInt8](repeating: byte, count: count), at: place + offset)
            return "\(count) bytes of bitmap \(kind) of group \(group) at \(offset): \(byte)"
        case 4, 5:
            let number = pick(inodes)
            let field = DiskField(offset: Int64(pick([0, 4, 0x1A, 0x1C, 0x20, 0x68, 0x6C, 0x80])), size: 2)
            let what = try change(field, from: inode(number))
            if isFinished { try finishInode(number) }
            return "inode \(number): \(what)"
        case 6, 7:
            let number = pick(inodes)
            let field = DiskField(
                offset: Int64(pick(Array(stride(from: 0x28, to: 0x48, by: 2)))), size: pick([2, 2, 4]))
            let what = try change(field, from: inode(number))
            if isFinished { try finishInode(number) }
            return "inode \(number): \(what)"
        default:
            let number = pick([2, inodes[4], inodes[5], inodes[8]])
            let block = try firstBlock(of: number)
            let field = DiskField(offset: Int64(pick([0, 12, 24, 4, 16, 28, 6, 30])), size: pick([1, 2]))
            let what = try change(field, from: self.block(block))
            if isFinished { try finishDirectoryBlock(number, block: block) }
            return "directory \(number): \(what)"
        }
    }
}
