import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// A disk under the cache that does not keep what it was given.
@Suite struct RottenCacheTests {
    let harness = CommandHarness()

    /// As bit rot or a lost write does: size and time stay.
    private func flip(_ path: FilePath, at offset: Int64) throws {
        let file = try FileDescriptor.open(path, .readWrite)
        defer { try? file.close() }
        var status = stat()
        #expect(fstat(file.rawValue, &status) == 0)
        var byte: [UInt8] = [0]
        var place = offset
        while byte[0] == 0 {
            #expect(try byte.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: place, into: $0) } == 1)
            place += 1
        }
        byte[0] ^= 1
        try file.writeAll(toAbsoluteOffset: place - 1, byte)
        var times = [status.st_atim, status.st_mtim]
        #expect(futimens(file.rawValue, &times) == 0)
    }

    @Test(arguments: [4 << 20, 40 << 20, 70 << 20] as [Int64])
    func `a bit that turned over in the cache reaches no card`(_ offset: Int64) async throws {
        try harness.prepare(recipe: "image: { source: sample.img.zip }\nhostname: red01\n")
        let write = ["write", "--yes", "--recipe", "red01.yaml"]
        #expect(await harness.run(list: write + ["before.img"]).status == 0)
        let images = harness.scratch["cache/piflash/images"]
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: images.string).first { $0.hasSuffix(".img") })
        try flip(images.appending(name), at: offset)
        let after = await harness.run(list: write + ["after.img"])
        #expect(after.status == 0, "\(after.errors)")
        #expect(harness.scratch.read("before.img") == harness.scratch.read("after.img"))
        let digest = try OutsideTool("sha256sum").run([images.appending(name).string]).text.prefix(64)
        #expect(name == "\(digest).img", "the cache is whole again")
    }
}
