import Diagnostics
import Host
import Foundation
import Storage
import SystemPackage
import Testing
import TestSupport

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct ImageFileTests {
    private func code(_ body: () throws -> Void) -> Failure.Code? {
        do {
            try body()
            return nil
        } catch { return (error as? Failure)?.code }
    }

    @Test func `what is written is read back, and the file keeps its size`() throws {
        let scratch = ScratchDirectory()
        let file = try ImageFile(creating: scratch["a.img"], size: 100_000)
        var random = SplitMix64(seed: 4)
        let bytes = random.bytes(33_333)
        try file.write(bytes, at: 50_001)
        try file.dropCache()
        #expect(try file.bytes(at: 50_001, count: 33_333) == bytes)
        #expect(scratch.read("a.img").count == 100_000)
        #expect(code { try file.write([1], at: 100_000) } == .outOfBounds)
        #expect(code { _ = try file.bytes(at: 99_999, count: 2) } == .outOfBounds)
    }

    @Test func `the data ranges are what is not a hole`() throws {
        let scratch = ScratchDirectory()
        let file = try ImageFile(creating: scratch["a.img"], size: 8 << 20)
        #expect(try file.dataRanges().isEmpty)
        try file.write([UInt8](repeating: 1, count: 65536), at: 1 << 20)
        try file.write([UInt8](repeating: 1, count: 65536), at: 5 << 20)
        try file.synchronize()
        let wanted = ByteRanges([1 << 20..<(1 << 20) + 65536, 5 << 20..<(5 << 20) + 65536])
        let found = try file.dataRanges()
        #expect(wanted.subtracting(found).isEmpty, "no data may be called a hole")
        #expect(found.count < 1 << 20)
    }

    @Test func `a file that ends in data has it to the last byte`() throws {
        let scratch = ScratchDirectory()
        let path = scratch.write([UInt8](repeating: 1, count: 70_001), to: "a.img")
        #expect(try ImageFile(opening: path).dataRanges().ranges == [0..<70_001])
        let empty = scratch.write([UInt8](), to: "empty.img")
        #expect(try ImageFile(opening: empty).dataRanges().isEmpty)
    }

    @Test func `a cleared part reads as zeros and costs no room`() throws {
        let scratch = ScratchDirectory()
        let file = try ImageFile(creating: scratch["a.img"], size: 4 << 20)
        try file.write([UInt8](repeating: 1, count: 4 << 20), at: 0)
        try file.clear((1 << 20) - 3..<(3 << 20) + 5)
        try file.synchronize()
        let bytes = try file.bytes(at: 0, count: 4 << 20)
        #expect(bytes[..<((1 << 20) - 3)].holdsOnly(1))
        #expect(bytes[((1 << 20) - 3)..<((3 << 20) + 5)].holdsOnly(0))
        #expect(bytes[((3 << 20) + 5)...].holdsOnly(1))
        #expect(try file.dataRanges().count <= (2 << 20) + 8192)
        #expect(code { try file.clear(0..<(4 << 20) + 1) } == .outOfBounds)
    }

    @Test func `an image that was truncated meanwhile is an error, not zeros`() throws {
        let scratch = ScratchDirectory()
        let path = scratch.write([UInt8](repeating: 1, count: 10_000), to: "a.img")
        let file = try ImageFile(opening: path)
        #expect(truncate(path.string, 5000) == 0)
        let failure = #expect(throws: Failure.self) { try file.bytes(at: 4000, count: 2000) }
        #expect(failure?.message.contains("at 5000") == true)
    }

    @Test func `directories, devices and FIFOs are refused, and none of them waits`() throws {
        let scratch = ScratchDirectory()
        #expect(mkfifo(scratch["fifo"].string, 0o600) == 0)
        #expect(code { _ = try ImageFile(opening: scratch["fifo"]) } == .notAFile)
        #expect(code { _ = try ImageFile(opening: scratch.path) } == .notAFile)
        #expect(code { _ = try ImageFile(opening: "/dev/null") } == .notAFile)
        #expect(code { _ = try ImageFile(opening: scratch["missing"]) } == .system)
    }

    @Test func `an existing file is not taken for a new one`() throws {
        let scratch = ScratchDirectory()
        let path = scratch.write("precious", to: "a.img")
        #expect(code { _ = try ImageFile(creating: path, size: 5) } == .system)
        #expect(scratch.read("a.img") == Array("precious".utf8))
    }

    @Test func `a file that cannot have its size leaves nothing`() throws {
        let scratch = ScratchDirectory()
        #expect(code { _ = try ImageFile(creating: scratch["a.img"], size: Int64.max) } == .system)
        #expect(access(scratch["a.img"].string, F_OK) != 0)
    }

    @Test func `a file opened for reading cannot be written`() throws {
        let scratch = ScratchDirectory()
        let path = scratch.write("precious", to: "a.img")
        let file = try ImageFile(opening: path)
        #expect(code { try file.write([1], at: 0) } == .system)
        let writable = try ImageFile(opening: path, writable: true)
        try writable.write(Array("P".utf8), at: 0)
        #expect(scratch.read("a.img") == Array("Precious".utf8))
    }

    @Test func `zero bytes are distinguished from others at every length and place`() {
        for count in [0, 1, 2, 7, 8, 9, 64, 513] {
            var bytes = [UInt8](repeating: 0, count: count)
            #expect(bytes.withUnsafeBytes { $0.isAllZero })
            for place in bytes.indices {
                bytes[place] = 1
                #expect(!bytes.withUnsafeBytes { $0.isAllZero })
                bytes[place] = 0
            }
        }
    }
}
