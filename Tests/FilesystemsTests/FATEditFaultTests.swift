import SystemPackage
import Diagnostics
import Filesystems
import Storage
import SystemPackage
import TestSupport
import Testing

/// Each numbered step of `FATEdit`, failing at each of its writes.
@Suite struct FATEditFaultTests {
    /// One change to a volume, and what its files are before and after.
    struct Change: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let path: String
        let wanted: [UInt8]?
        let carryOut: @Sendable (inout FATVolume) throws(Failure) -> Void

        init(_ name: String, write contents: [UInt8], to path: String) {
            testDescription = name
            self.path = path
            wanted = contents
            carryOut = { (volume) throws(Failure) in try volume.write(contents, to: path) }
        }

        init(removing path: String) {
            testDescription = "a file is removed"
            self.path = path
            wanted = nil
            carryOut = { (volume) throws(Failure) in try volume.remove(path) }
        }
    }

    static let changes = [
        Change("a file is replaced by a longer one", write: pattern(20_000, 1), to: "piflash/settings"),
        Change("a file is replaced by a shorter one", write: pattern(10, 2), to: "piflash/settings"),
        Change("a file is replaced by an empty one", write: [], to: "piflash/settings"),
        Change("a file is added", write: pattern(4000, 3), to: "piflash/a new file with a long name"),
        Change("a file is added in new directories", write: pattern(4000, 4), to: "a dir/nested/file"),
        Change("a file is added to a directory that must grow", write: pattern(600, 5), to: "full/one more long name"),
        Change(removing: "piflash/settings"),
    ]

    static let start: [String: [UInt8]] = {
        var files = ["piflash/settings": pattern(9000, 9), "kept.bin": pattern(30_000, 8)]
        // Two slots of 32 bytes each, in clusters of 512.
        for index in 0..<7 { files["full/long name \(index)"] = pattern(30, UInt64(index)) }
        return files
    }()

    @Test(arguments: [["-F", "32", "-s", "1"], ["-F", "16", "-s", "1"]], changes)
    func `whichever write fails, every file is old or new, and the change can be made again`(
        _ options: [String], _ change: Change
    ) throws {
        let image = try FATImage(kilobytes: 3000, options)
        var volume = try image.volume()
        for (path, contents) in Self.start.sorted(by: { $0.key < $1.key }) { try volume.write(contents, to: path) }
        let start = image.store.allBytes
        let whole = MemoryStore(start)
        var done = try FATVolume(whole, name: "the volume", modified: FATImage.time)
        try change.carryOut(&done)
        let writes = whole.log.count { $0 != nil }
        #expect(writes >= 2)
        for number in 0..<writes {
            let store = MemoryStore(start)
            var volume = try FATVolume(store, name: "the volume", modified: FATImage.time)
            store.fail(atWrite: number)
            let failure = refusal { () throws(Failure) in try change.carryOut(&volume) }
            #expect(failure != nil, "write \(number)")
            store.fail(atWrite: nil)
            try Self.check(store, change, "write \(number)")
            // The same volume goes on from what is on the medium, and so does one that is opened again.
            for isOpenedAgain in [false, true] {
                let copy = MemoryStore(store.allBytes)
                if isOpenedAgain {
                    var again = try FATVolume(copy, name: "the volume", modified: FATImage.time)
                    try change.carryOut(&again)
                    #expect(try again.read(change.path) == change.wanted, "write \(number)")
                    try Self.check(copy, change, "write \(number), made again")
                } else {
                    try change.carryOut(&volume)
                    try Self.check(store, change, "write \(number), gone on")
                }
            }
        }
    }

    private static func check(_ store: MemoryStore, _ change: Change, _ moment: String) throws {
        let seen = try FATVolume(MemoryStore(store.allBytes), name: "after", modified: FATImage.time)
        for path in Set(start.keys).union([change.path]) {
            let found = try seen.read(path)
            let isRight = found == start[path] || path == change.path && found == change.wanted
            #expect(isRight, "\(moment): \(path) has \(found?.count ?? -1) bytes")
        }
        let scratch = ScratchDirectory()
        scratch.write(store.allBytes, to: "v")
        let text = try OutsideTool("fsck.fat").run(["-n", scratch["v"].string]).text
        // Clusters that no file owns are all that a failed step may leave.
        let bad = text.split(separator: "\n").filter { line in
            ["Bad", "cross", "shares", "truncat", "past"].contains { line.contains($0) }
        }
        #expect(bad.isEmpty, "\(moment): \(bad)")
    }
}
