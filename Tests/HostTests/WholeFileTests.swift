import Diagnostics
import Foundation
import Host
import SystemPackage
import TestSupport
import Testing

/// Files are read to their end, whatever their size is said to be.
@Suite struct WholeFileTests {
    private let scratch = ScratchDirectory()

    @Test(arguments: [
        "/proc/self/mountinfo", "/proc/filesystems", "/proc/kallsyms", "/sys/kernel/mm/transparent_hugepage/enabled",
    ])
    func `files of the kernel, whose size is 0 or wrong, are read to their end`(_ path: String) throws {
        // Containers that start and end beside this change the kernel's symbols and mounts: only what was the same before
        // and after says anything.
        for _ in 1...50 {
            let before = try OutsideTool("cat").run([path])
            try #require(before.succeeded && !before.output.isEmpty)
            let read = try DurableFile.read(FilePath(path))
            guard try OutsideTool("cat").run([path]).output == before.output else { continue }
            #expect(read == before.output)
            return
        }
        Issue.record("\(path) is never the same twice")
    }

    @Test func `a pipe is read until its writer closes it, however slowly that writes`() throws {
        let pipe = scratch["pipe"]
        #expect(mkfifo(pipe.string, 0o600) == 0)
        let writer = Background {
            try OutsideTool("sh").run([
                "-c", "exec >\"$0\"; for part in 1 2 3 4 5; do printf \"part %s\\n\" $part; sleep 0.02; done",
                pipe.string,
            ])
        }
        let text = String(decoding: try #require(try DurableFile.read(pipe)), as: UTF8.self)
        #expect(text == "part 1\npart 2\npart 3\npart 4\npart 5\n")
        #expect(try writer.value().succeeded)
    }

    @Test func `of a file that grows meanwhile a beginning is read, and at least what was there`() throws {
        let path = scratch.write([], to: "growing")
        let start = [UInt8](repeating: 1, count: 3 << 20)
        scratch.write(start, to: "growing")
        let writer = Background {
            try OutsideTool("sh").run([
                "-c", "for part in $(seq 200); do head -c 10000 /dev/zero | tr '\\0' '\\2'; done >>\"$0\"", path.string,
            ])
        }
        for _ in 0..<20 {
            let found = try #require(try DurableFile.read(path))
            #expect(found.count >= start.count && found.starts(with: start))
            #expect(found[start.count...].holdsOnly(2))
        }
        #expect(try writer.value().succeeded)
        #expect(try DurableFile.read(path)?.count == start.count + 2_000_000)
    }

    @Test func `a file that is cut meanwhile leaves no bytes that nobody wrote`() throws {
        let whole = [UInt8](repeating: 1, count: 8 << 20)
        let path = scratch.write(whole, to: "cut")
        let cutter = Background { try OutsideTool("truncate").run(["-s", "1000", path.string]) }
        for _ in 0..<10 {
            let found = try #require(try DurableFile.read(path))
            #expect(found.holdsOnly(1) && found.count >= 1000)
        }
        #expect(try cutter.value().succeeded)
        #expect(try DurableFile.read(path)?.count == 1000)
    }

    @Test func `a file that is not there is nothing, and a directory is a failure`() throws {
        #expect(try DurableFile.read(scratch["no such file"]) == nil)
        let failure = #expect(throws: Failure.self) { try DurableFile.read(scratch.path) }
        #expect(failure?.message.contains(scratch.path.string) == true)
    }
}
