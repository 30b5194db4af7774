import Diagnostics
import Filesystems
import Storage
import SystemPackage
import TestSupport
import Testing

/// Edits of volumes with a journal, cut at any moment: e2fsck, the kernel and piflash itself find the old volume or the
/// new one.
@Suite struct Ext4JournalTests {
    private static func e2fsck(_ option: String, _ file: FilePath) throws -> OutsideTool.Result {
        try OutsideTool("e2fsck").run([option, file.string])
    }

    @Test(arguments: JournaledVolume.kinds)
    func `cut at any moment, an edit was made as a whole or not at all`(_ kind: JournaledVolume.Kind) throws {
        let volume = try JournaledVolume(kind)
        let before = try JournaledVolume.tree(volume.current)
        let overlay = try volume.edited()
        try Ext4Volume.commit(overlay, volumeAt: volume.range, to: volume.medium)
        #expect(volume.medium.flushCount == 5)
        let after = try JournaledVolume.tree(volume.current)
        #expect(before != after)
        // What is read back and compared is what the overlay says.
        for range in overlay.changes.ranges {
            let wanted = try overlay.bytes(at: range.lowerBound, count: range.count)
            #expect(try volume.medium.bytes(at: range.lowerBound, count: range.count) == wanted)
        }
        let isChosen = kind.testDescription == JournaledVolume.mounted.testDescription
        for (number, cut) in volume.medium.cuts(seed: 7, random: 5).enumerated() {
            // All of one kind; of the others some, but all at the moment that decides.
            guard isChosen || cut.flushes == 1 || number % 3 == 0 else { continue }
            let store = JournaledVolume.volume(cut.contents)
            let file = try volume.file(store)
            let preen = try Self.e2fsck("-p", file)
            #expect(preen.status <= 1, "\(cut): e2fsck -p: \(preen.text) \(preen.errors)")
            let check = try Self.e2fsck("-fn", file)
            #expect(check.status == 0, "\(cut): e2fsck -fn: \(check.text)")
            let tree = try JournaledVolume.tree(ImageFile(opening: file))
            switch cut.flushes {
            case 0: #expect(tree == before, "\(cut)")
            case 1: #expect(tree == before || tree == after, "\(cut)")
            default: #expect(tree == after, "\(cut)")
            }
            // piflash itself finishes the same way.
            #expect(try Self.recovered(store, volume, "\(cut)") == tree, "\(cut)")
        }
    }

    /// The tree after piflash has replayed the journal. e2fsck has nothing to say about it.
    private static func recovered(
        _ store: MemoryStore, _ volume: JournaledVolume, _ note: Comment
    ) throws -> [String: JournaledVolume.Entry] {
        let range = 0..<store.size
        guard let recovery = try Ext4Volume.recovery(of: store, volumeAt: range) else {
            return try JournaledVolume.tree(store)
        }
        try recovery.carry(to: store)
        #expect(try Ext4Volume.recovery(of: store, volumeAt: range) == nil, note)
        let check = try e2fsck("-fn", volume.file(store))
        #expect(check.status == 0, "\(note), replayed by piflash: \(check.text)")
        return try JournaledVolume.tree(store)
    }

    @Test(arguments: [JournaledVolume.mounted, JournaledVolume.kinds[6]])
    func `the kernel finds the old volume or the new one`(_ kind: JournaledVolume.Kind) throws {
        let volume = try JournaledVolume(kind)
        let before = try JournaledVolume.tree(volume.current)
        try Ext4Volume.commit(try volume.edited(), volumeAt: volume.range, to: volume.medium)
        let after = try JournaledVolume.tree(volume.current)
        var seen: Set<Bool> = []
        for cut in volume.medium.cuts(seed: 7, random: 1) {
            let file = try volume.file(JournaledVolume.volume(cut.contents))
            let place = volume.scratch["mount"]
            let names = try JournaledVolume.withMount(file, at: place) {
                let found = try OutsideTool("find").run([place.string, "-mindepth", "1", "-printf", "/%P\\n"])
                return Set(found.text.split(separator: "\n").map(String.init))
            }
            let tree = try JournaledVolume.tree(ImageFile(opening: file))
            #expect(names == Set(before.keys) || names == Set(after.keys), "\(cut)")
            #expect(tree == before || tree == after, "\(cut)")
            seen.insert(tree == after)
        }
        #expect(seen == [true, false])
    }

    // MARK: Journals that others wrote

    /// What the kernel has committed and not yet carried out: files, freed blocks (which are revoked), links.
    private static func journalOfKernel(_ kind: JournaledVolume.Kind) throws -> (JournaledVolume, MemoryStore) {
        let volume = try JournaledVolume(kind)
        let file = try volume.file(volume.current)
        let place = volume.scratch["mount"]
        let copy = volume.scratch["copy"]
        try JournaledVolume.withMount(file, at: place) {
            let script = """
                cd "$0" && mkdir -p new/dir && seq 900 > new/dir/file && rm -r many && ln -s file new/link && sync -f . &&
                seq 90 > again && mkdir many && seq 5000 > many/data && rm again && mv etc/kept etc/moved && sync -f . &&
                cp --sparse=always "$1" "$2"
                """
            let done = try OutsideTool("sh").run(["-c", script, place.string, file.string, copy.string])
            #expect(done.succeeded, "\(done.errors)")
        }
        return (volume, MemoryStore(volume.scratch.read("copy")))
    }

    @Test(arguments: [0, 2, 4, 6].map { JournaledVolume.kinds[$0] })
    func `a journal that the kernel left is replayed as e2fsck replays it`(_ kind: JournaledVolume.Kind) throws {
        let (volume, store) = try Self.journalOfKernel(kind)
        let file = try volume.file(store)
        #expect(try OutsideTool("dumpe2fs").run(["-h", file.string]).text.contains("needs_recovery"))
        #expect(try Self.e2fsck("-fy", file).status <= 1)
        let wanted = try JournaledVolume.tree(ImageFile(opening: file))
        #expect(wanted["/etc/moved"] != nil && wanted["/many/data"] != nil && wanted["/new/link"] != nil)
        let recovery = try #require(try Ext4Volume.recovery(of: store, volumeAt: 0..<store.size))
        try recovery.carry(to: store)
        let check = try Self.e2fsck("-fp", volume.file(store))
        #expect(check.status <= 1, "\(check.text)")
        #expect(try JournaledVolume.tree(store) == wanted)
    }

    @Test(arguments: [0, 4].map { JournaledVolume.kinds[$0] })
    func `a replay that is cut at any moment is finished by the next one`(_ kind: JournaledVolume.Kind) throws {
        let volume = try JournaledVolume(kind)
        try Ext4Volume.commit(try volume.edited(), volumeAt: volume.range, to: volume.medium)
        let wanted = try JournaledVolume.tree(volume.current)
        // An edit of which nothing but the journal is on the medium.
        let left = JournaledVolume.volume(
            try #require(volume.medium.cuts(seed: 3, random: 0).first { $0.flushes == 2 }).contents)
        let range = 0..<left.size
        let medium = VolatileStore(left.allBytes)
        try #require(try Ext4Volume.recovery(of: medium, volumeAt: range)).carry(to: medium)
        // The blocks, the journal, the superblock.
        #expect(medium.flushCount == 3)
        let cuts = medium.cuts(seed: 3, random: 3)
        for (number, cut) in cuts.enumerated() where cut.flushes > 0 || number % max(1, cuts.count / 20) == 0 {
            let store = MemoryStore(cut.bytes)
            let file = try volume.file(store)
            #expect(try Self.e2fsck("-fp", file).status <= 1, "\(cut)")
            #expect(try JournaledVolume.tree(ImageFile(opening: file)) == wanted, "\(cut): by e2fsck")
            try Ext4Volume.recovery(of: store, volumeAt: range)?.carry(to: store)
            #expect(try JournaledVolume.tree(store) == wanted, "\(cut): by piflash")
        }
    }

    @Test func `a journal whose checksums are wrong is not replayed, and the hint names e2fsck`() throws {
        let (volume, store) = try Self.journalOfKernel(JournaledVolume.mounted)
        let bytes = store.allBytes
        let file = try volume.file(store).string
        func place(ofBlock number: Int) throws -> Int {
            let text = try OutsideTool("debugfs").run(["-R", "bmap <8> \(number)", file]).text
            return try #require(Int(text.filter { !$0.isWhitespace })) * 4096
        }
        // s_start of the journal's superblock leads to a list of revoked blocks; a descriptor and a copy follow (kernel,
        // ext4/journal.rst).
        let superblock = try place(ofBlock: 0)
        let start = Int(bytes[superblock + 0x1E]) << 8 | Int(bytes[superblock + 0x1F])
        for (number, kind) in [(0, 5), (1, 1), (2, nil)] as [(Int, UInt8?)] {
            let block = try place(ofBlock: start + number)
            if let kind { #expect(bytes[block..<block + 8].elementsEqual([0xC0, 0x3B, 0x39, 0x98, 0, 0, 0, kind])) }
            let byte = block + 99
            var damaged = bytes
            damaged[byte] ^= 4
            let failure = refusal { () throws(Failure) in
                _ = try Ext4Volume.recovery(of: MemoryStore(damaged), volumeAt: 0..<Int64(damaged.count))
            }
            #expect(failure?.code == .dirtyFilesystem && failure?.hint?.contains("e2fsck -p") == true, "\(byte)")
        }
    }

    @Test func `a journal that holds changes which nobody would replay is a reason not to edit`() throws {
        let volume = try JournaledVolume(JournaledVolume.kinds[1])
        let overlay = try volume.edited()
        let bytes = volume.medium.allBytes
        let journal = try #require(
            stride(from: JournaledVolume.start, to: bytes.count, by: 1024).first {
                bytes[$0..<$0 + 8].elementsEqual([0xC0, 0x3B, 0x39, 0x98, 0, 0, 0, 4])
            })
        // s_start
        try volume.medium.write([0, 0, 0, 1], at: Int64(journal + 0x1C))
        let failure = refusal { () throws(Failure) in
            try Ext4Volume.commit(overlay, volumeAt: volume.range, to: volume.medium)
        }
        #expect(failure?.code == .dirtyFilesystem && failure?.hint?.contains("e2fsck -f") == true)
        #expect(volume.medium.flushCount == 1)
    }

    // MARK: Volumes without a journal

    static let unjournaled = [
        JournaledVolume.Kind(options: ["-t", "ext2", "-b", "1024"]),
        JournaledVolume.Kind(options: ["-t", "ext4", "-b", "4096", "-O", "^has_journal"]),
    ]

    @Test(arguments: unjournaled)
    func `without a journal, e2fsck repairs the volume at every moment`(_ kind: JournaledVolume.Kind) throws {
        let volume = try JournaledVolume(kind)
        let before = try JournaledVolume.tree(volume.current)
        try Ext4Volume.commit(try volume.edited(), volumeAt: volume.range, to: volume.medium)
        #expect(volume.medium.flushCount == 4)
        let after = try JournaledVolume.tree(volume.current)
        for (number, cut) in volume.medium.cuts(seed: 8, random: 5).enumerated() where number % 2 == 0 {
            let store = JournaledVolume.volume(cut.contents)
            // Clean is only what is old or new.
            if try Ext4Volume(store, name: "root", time: 1).problem == nil {
                let tree = try JournaledVolume.tree(store)
                #expect(cut.flushes == 0 ? tree == before : tree == before || tree == after, "\(cut)")
                #expect(try Self.e2fsck("-fn", volume.file(store)).status == 0, "\(cut)")
                continue
            }
            let file = try volume.file(store)
            let repaired = try Self.e2fsck("-fy", file)
            #expect(repaired.status <= 1, "\(cut): \(repaired.text)")
            #expect(try Self.e2fsck("-fn", file).status == 0, "\(cut)")
            // What the edit does not touch is as it was.
            #expect(try JournaledVolume.tree(ImageFile(opening: file))["/etc/kept"] == before["/etc/kept"], "\(cut)")
        }
    }
}
