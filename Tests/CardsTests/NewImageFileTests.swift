import Cards
import Diagnostics
import Foundation
import Storage
import SystemPackage
import Testing
import TestSupport

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct NewImageFileTests {
    private func names(_ scratch: ScratchDirectory) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: scratch.path.string).sorted()
    }

    @Test func `an image file gets its name when it is complete, padded to whole sectors, with its holes`() throws {
        let scratch = ScratchDirectory()
        var bytes = [UInt8](repeating: 0, count: (8 << 20) + 100)
        bytes.replaceSubrange(0..<4, with: [1, 2, 3, 4])
        bytes.replaceSubrange(5 << 20..<(5 << 20) + 4, with: [5, 6, 7, 8])
        bytes[bytes.count - 1] = 9
        let path = scratch.write("old", to: "red01.img")
        let target = try NewImageFile(path, size: Int64(bytes.count))
        #expect(try names(scratch) == [".red01.img.piflash-part", "red01.img"])
        #expect(scratch.read("red01.img") == Array("old".utf8))
        _ = try CardWriter(target: target, image: MemoryStore(bytes)).write(events: { _ in }, isCancelled: { false })
        #expect(try names(scratch) == ["red01.img"])
        #expect(scratch.read("red01.img") == bytes + [UInt8](repeating: 0, count: 412))
        var status = Glibc.stat()
        #expect(stat(path.string, &status) == 0)
        #expect(status.st_blocks * 512 < 1 << 20, "zeros are holes")
    }

    @Test func `a run that fails or is stopped leaves the old file and nothing else`() throws {
        let scratch = ScratchDirectory()
        let path = scratch.write("old", to: "red01.img")
        let target = try NewImageFile(path, size: 6 << 20)
        var count = 0
        let failure = #expect(throws: Failure.self) {
            try CardWriter(target: target, image: MemoryStore([UInt8](repeating: 3, count: 6 << 20))).write(
                events: { _ in },
                isCancelled: {
                    count += 1
                    return count > 3
                })
        }
        #expect(failure?.code == .cancelled)
        #expect(try names(scratch) == ["red01.img"])
        #expect(scratch.read("red01.img") == Array("old".utf8))
    }

    @Test func `a target that is let go unused leaves nothing`() throws {
        let scratch = ScratchDirectory()
        do { _ = try NewImageFile(scratch["a.img"], size: 1 << 20) }
        #expect(try names(scratch) == [])
    }

    @Test func `a left-over of a killed run is replaced`() throws {
        let scratch = ScratchDirectory()
        scratch.write("left over", to: ".a.img.piflash-part")
        let target = try NewImageFile(scratch["a.img"], size: 512)
        _ = try CardWriter(target: target, image: MemoryStore([UInt8](repeating: 3, count: 512))).write(
            events: { _ in }, isCancelled: { false })
        #expect(scratch.read("a.img") == [UInt8](repeating: 3, count: 512))
    }

    @Test func `two runs cannot write one file: neither gives its name to what the other has begun`() throws {
        let scratch = ScratchDirectory()
        let image = MemoryStore([UInt8](repeating: 3, count: 6 << 20))
        let first = try NewImageFile(scratch["a.img"], size: 6 << 20)
        let failure = #expect(throws: Failure.self) { try NewImageFile(scratch["a.img"], size: 8 << 20) }
        #expect(failure?.code == .deviceBusy && failure?.severity == .refused)
        _ = try CardWriter(target: first, image: image).write(events: { _ in }, isCancelled: { false })
        #expect(scratch.read("a.img") == [UInt8](repeating: 3, count: 6 << 20))
        // The first run is done, and its lock is on the finished file.
        _ = try CardWriter(target: NewImageFile(scratch["a.img"], size: 6 << 20), image: image).write(
            events: { _ in }, isCancelled: { false })
        #expect(try names(scratch) == ["a.img"])
    }

    @Test func `zeros written over data read back as zeros`() throws {
        let scratch = ScratchDirectory()
        let target = try NewImageFile(scratch["a.img"], size: 1 << 20)
        try target.write([UInt8](repeating: 7, count: 300_000), at: 512)
        try target.write([UInt8](repeating: 0, count: 200_000), at: 1000)
        let bytes = try target.bytes(at: 0, count: 1 << 20)
        #expect(bytes[512..<1000].holdsOnly(7))
        #expect(bytes[1000..<201_000].holdsOnly(0))
        #expect(bytes[201_000..<300_512].holdsOnly(7))
    }
}
