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

    /// The card is written while the image is unpacked: bytes go into the cache and are read from it in the same run.
    @Test(arguments: ["pwrite,2,flip,123457", "pwrite,5,flip,3", "pwrite,4,drop", "pwrite,3,zero"])
    func `a cache that does not keep what it is given is found in the first run`(_ plan: String) async throws {
        try harness.prepare(recipe: "image: { source: sample.img.zip }\nhostname: red01\n")
        // Without root's rights: else a process of its own, without the library, writes the cache.
        let place = harness.scratch["user"]
        try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: true)
        for file in ["sample.img.zip", "red01.yaml"] {
            try FileManager.default.copyItem(atPath: harness.scratch[file].string, toPath: place.appending(file).string)
        }
        let cache = place.appending("cache")
        let log = place.appending("log")
        let environment = try FaultShim.environment(plan, on: cache.string + "/piflash/images/*", log: log)
            .merging(["HOME": place.string, "XDG_CACHE_HOME": cache.string]) { $1 }
        #expect(try OutsideTool("chown").run(["-R", "nobody:nogroup", place.string]).succeeded)
        #expect(try OutsideTool("chmod").run(["a+rx", harness.scratch.path.string]).succeeded)
        let outcome = try OutsideTool("setpriv").run(
            ["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "sh", "-c"]
                + ["cd \"$1\" && shift && exec env \"$@\"", "sh", place.string]
                + environment.map { "\($0)=\($1)" }
                + [try BuiltProgram.path().string, "write", "--yes", "--recipe", "red01.yaml", "card.img"])
        // What is read of the image meanwhile may make no sense before the digests say why.
        let isSeenEarlier = outcome.status == 3 && !plan.contains("flip")
        #expect(
            isSeenEarlier || outcome.status == 1 && outcome.errors.contains("did not keep what was written"),
            "\(outcome.errors)")
        #expect(outcome.errors.contains("hint: "), "\(outcome.errors)")
        #expect((try? place.appending("card.img").stat()) == nil)
        let left = try FileManager.default.subpathsOfDirectory(atPath: cache.string).filter { $0.hasSuffix(".img") }
        #expect(left.isEmpty)
    }
}
