import Diagnostics
import Foundation
import Host
import Storage
import SystemPackage
import Testing
import TestSupport

/// On loop devices, which need root.
@Suite(.serialized) struct BlockDeviceTests {
    private func loop(_ scratch: ScratchDirectory, _ bytes: [UInt8], options: [String] = []) throws -> LoopDevice {
        try LoopDevice(over: scratch.write(bytes, to: "disk"), options: options)
    }

    @Test func `reads at any offset and length, and from any address, give the device's bytes`() throws {
        let scratch = ScratchDirectory()
        var random = SplitMix64(seed: 5)
        let bytes = random.bytes(64 << 10)
        let loop = try loop(scratch, bytes)
        let device = try BlockDevice(opening: loop.path, .read)
        #expect(device.size == 64 << 10)
        #expect(device.sectorSize == 512)
        let aligned = AlignedBuffer(count: 32 << 10)
        for _ in 0..<200 {
            let offset = Int.random(in: 0..<bytes.count, using: &random)
            let count = Int.random(in: 0...min(9000, bytes.count - offset), using: &random)
            #expect(try device.bytes(at: Int64(offset), count: count) == Array(bytes[offset..<offset + count]))
            let skew = Int.random(in: 0..<1024, using: &random)
            let part = UnsafeMutableRawBufferPointer(rebasing: aligned.bytes[skew..<skew + count])
            try device.read(into: part, at: Int64(offset))
            #expect(part.elementsEqual(bytes[offset..<offset + count]))
        }
        #expect(try device.bytes(at: 65535, count: 1) == [bytes[65535]])
    }

    @Test func `complete sectors are written from any address, and no others`() throws {
        let scratch = ScratchDirectory()
        let loop = try loop(scratch, [UInt8](repeating: 7, count: 64 << 10))
        let device = try BlockDevice(opening: loop.path, .exclusive)
        var random = SplitMix64(seed: 6)
        let bytes = random.bytes(1024)
        let buffer = AlignedBuffer(count: 4096)
        for skew in [0, 1, 511, 512] {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[skew..<skew + 1024])
            part.copyBytes(from: bytes)
            try device.write(UnsafeRawBufferPointer(part), at: Int64(skew) / 512 * 512 + 2048)
        }
        try device.synchronize()
        try device.flushBuffers()
        #expect(scratch.read("disk")[2048..<3072].elementsEqual(bytes[..<512] + bytes[..<512]))
        for (offset, count) in [(1, 512), (0, 511), (512, 513)] as [(Int64, Int)] {
            let failure = #expect(throws: Failure.self) {
                try device.write([UInt8](repeating: 1, count: count), at: offset)
            }
            #expect(failure?.code == .misaligned)
        }
        let outside = #expect(throws: Failure.self) {
            try device.write([UInt8](repeating: 1, count: 512), at: 64 << 10)
        }
        #expect(outside?.code == .outOfBounds)
        #expect(scratch.read("disk")[..<2048].holdsOnly(7))
    }

    @Test func `sectors of 4 KiB are respected`() throws {
        let scratch = ScratchDirectory()
        let loop = try loop(scratch, [UInt8](repeating: 7, count: 64 << 10), options: ["--sector-size", "4096"])
        let device = try BlockDevice(opening: loop.path, .exclusive)
        #expect(device.sectorSize == 4096)
        let failure = #expect(throws: Failure.self) { try device.write([UInt8](repeating: 1, count: 512), at: 0) }
        #expect(failure?.code == .misaligned)
        try device.write([UInt8](repeating: 1, count: 4096), at: 4096)
        #expect(try device.bytes(at: 4095, count: 3) == [7, 1, 1])
    }

    @Test func `an exclusive open keeps others out, and reading is always allowed`() throws {
        let scratch = ScratchDirectory()
        let loop = try loop(scratch, [UInt8](repeating: 7, count: 64 << 10))
        do {
            let claim = try BlockDevice(opening: loop.path, .exclusive)
            let failure = #expect(throws: Failure.self) { try BlockDevice(opening: loop.path, .exclusive) }
            #expect(failure?.code == .deviceBusy)
            #expect(failure?.severity == .refused)
            _ = try BlockDevice(opening: loop.path, .read)
            #expect(claim.isPresent)
        }
        _ = try whenNoChildHoldsIt {
            do throws(Failure) { return try BlockDevice(opening: loop.path, .exclusive) } catch {
                if error.code == .deviceBusy { return nil }
                throw error
            }
        }
    }

    @Test func `an exclusively opened device sees writes past the page cache of another reader`() throws {
        let scratch = ScratchDirectory()
        let loop = try loop(scratch, [UInt8](repeating: 7, count: 64 << 10))
        let buffered = try FileHandle(forReadingFrom: URL(fileURLWithPath: loop.path.string))
        #expect(try buffered.read(upToCount: 512) == Data(repeating: 7, count: 512))
        let device = try BlockDevice(opening: loop.path, .exclusive)
        try device.write([UInt8](repeating: 9, count: 512), at: 0)
        try device.synchronize()
        try device.flushBuffers()
        try buffered.seek(toOffset: 0)
        #expect(try buffered.read(upToCount: 512) == Data(repeating: 9, count: 512))
    }

    @Test func `a device that loses its size is not present any more`() throws {
        let scratch = ScratchDirectory()
        let loop = try loop(scratch, [UInt8](repeating: 7, count: 64 << 10))
        let device = try BlockDevice(opening: loop.path, .read)
        #expect(device.isPresent)
        scratch.write([UInt8](repeating: 7, count: 512), to: "disk2")
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: scratch["disk"].string))
        try handle.truncate(atOffset: 32 << 10)
        #expect(try OutsideTool("losetup").run(["--set-capacity", loop.path.string]).succeeded)
        #expect(!device.isPresent)
    }

    @Test func `a write-protected device can be read and not opened for writing`() throws {
        let scratch = ScratchDirectory()
        let loop = try loop(scratch, [UInt8](repeating: 7, count: 64 << 10), options: ["--read-only"])
        #expect(try BlockDevice(opening: loop.path, .read).bytes(at: 0, count: 1) == [7])
        #expect(throws: Failure.self) {
            let device = try BlockDevice(opening: loop.path, .exclusive)
            try device.write([UInt8](repeating: 1, count: 512), at: 0)
            try device.synchronize()
        }
    }

    @Test func `files, character devices and missing names are refused`() throws {
        let scratch = ScratchDirectory()
        let path = scratch.write([UInt8](repeating: 7, count: 512), to: "file")
        for path in [path, "/dev/null", scratch["missing"]] {
            #expect(throws: Failure.self) { try BlockDevice(opening: path, .read) }
        }
        let failure = #expect(throws: Failure.self) { try BlockDevice(opening: path, .read) }
        #expect(failure?.code == .notABlockDevice)
    }
}
