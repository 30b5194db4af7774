import Diagnostics
import Foundation
import Host
import SystemPackage
import TestSupport
import Testing

@Suite struct DurableFileTests {
    private let scratch = ScratchDirectory()

    private func directory() throws -> PrivateDirectory {
        try #require(try PrivateDirectory.open(scratch.path, for: .output(mode: 0o755)))
    }

    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: scratch.path.string).sorted()
    }

    private func mode(_ name: String) throws -> UInt16 {
        UInt16(try scratch[name].stat().permissions.rawValue) & 0o7777
    }

    // MARK: Writing

    @Test func `a file is made, then replaced, with its mode and nothing beside it`() throws {
        try DurableFile.replace(scratch["a"], with: [1, 2], mode: 0o600)
        #expect(try mode("a") == 0o600)
        try DurableFile.replace(scratch["a"], with: [3], mode: 0o400)
        #expect(scratch.read("a") == [3])
        #expect(try mode("a") == 0o400)
        try DurableFile.replace(scratch["a"], with: [], mode: 0o644)
        #expect(scratch.read("a") == [])
        #expect(try names() == ["a"])
    }

    @Test func `a link is replaced, and what it leads to stays`() throws {
        scratch.write("kept", to: "target")
        try FileManager.default.createSymbolicLink(
            atPath: scratch["link"].string, withDestinationPath: scratch["target"].string)
        try DurableFile.replace(scratch["link"], with: Array("new".utf8), mode: 0o600)
        #expect(scratch.read("target") == Array("kept".utf8))
        #expect(scratch.read("link") == Array("new".utf8))
        #expect(try scratch["link"].stat().inode != scratch["target"].stat().inode)
    }

    @Test func `a failed replacement leaves what was there, and nothing beside it`() throws {
        scratch.write("old", to: "directory/file")
        // rename(2): a file never replaces a directory.
        let failure = #expect(throws: Failure.self) { try DurableFile.replace(scratch["directory"], with: [1]) }
        #expect(failure?.message.hasPrefix("writing \(scratch["directory"]): ") == true)
        #expect(scratch.read("directory/file") == Array("old".utf8))
        #expect(try names() == ["directory"])
        #expect(throws: Failure.self) { try DurableFile.replace(scratch["missing/file"], with: [1]) }
        #expect(throws: Failure.self) {
            try DurableFile.replace(scratch[String(repeating: "n", count: 256)], with: [1])
        }
        #expect(try names() == ["directory"])
    }

    @Test func `a name may have as many bytes as a file system allows`() throws {
        let name = String(repeating: "ü", count: 127) + "x"
        try DurableFile.replace(scratch[name], with: [1])
        #expect(scratch.read(name) == [1])
    }

    @Test func `a temporary file of a fixed name that a cut left is written over`() throws {
        scratch.write("left over", to: ".unfinished")
        let directory = try FileDescriptor.open(scratch.path, .readOnly, options: .directory)
        defer { try? directory.close() }
        try DurableFile.replace("a", in: directory, with: [1], mode: 0o644, temporary: ".unfinished")
        #expect(try names() == ["a"])
        #expect(scratch.read("a") == [1])
    }

    @Test func `a kept file is the first one's, whoever else comes`() throws {
        #expect(try directory().keep("key", with: [1]))
        #expect(try !directory().keep("key", with: [2]))
        #expect(scratch.read("key") == [1])
        #expect(try mode("key") == 0o600)
        try FileManager.default.createSymbolicLink(atPath: scratch["link"].string, withDestinationPath: "/nowhere")
        #expect(try !directory().keep("link", with: [2]))
        #expect(try names() == ["key", "link"])
    }

    @Test func `of many that keep a file at once, one wins and all find it complete`() async throws {
        let contents = (0..<16).map { [UInt8](repeating: UInt8($0), count: 100_000) }
        let wins = try await withThrowingTaskGroup(of: UInt8?.self) { group in
            for bytes in contents {
                group.addTask {
                    let isFirst = try directory().keep("key", with: bytes)
                    #expect(contents.contains(try #require(try DurableFile.read(scratch["key"]))))
                    return isFirst ? bytes[0] : nil
                }
            }
            return try await group.reduce(into: [UInt8]()) { if let winner = $1 { $0.append(winner) } }
        }
        #expect(wins.count == 1)
        #expect(scratch.read("key").first == wins.first)
        #expect(try names() == ["key"])
    }

    @Test func `a complete file gets its name`() throws {
        scratch.write("new", to: "draft")
        scratch.write("old", to: "final")
        let draft = try FileDescriptor.open(scratch["draft"], .readWrite)
        defer { try? draft.close() }
        try directory().rename("draft", draft, to: "final")
        #expect(scratch.read("final") == Array("new".utf8))
        #expect(try names() == ["final"])
        #expect(throws: Failure.self) { try directory().rename("draft", draft, to: "final") }
        #expect(try names() == ["final"])
    }

    @Test func `a file that was exchanged while it was written does not get the name`() throws {
        scratch.write("ours", to: "draft")
        let draft = try FileDescriptor.open(scratch["draft"], .readWrite)
        defer { try? draft.close() }
        scratch.write("theirs", to: "other")
        #expect(rename(scratch["other"].string, scratch["draft"].string) == 0)
        #expect(throws: Failure.self) { try directory().rename("draft", draft, to: "final") }
        #expect(try names() == ["draft"])
    }

    // MARK: Reading

    @Test func `a file is read to its end, and a missing one is nil`() throws {
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        scratch.write(bytes, to: "a")
        for kind in [DurableFile.Kind.any, .regular] {
            #expect(try DurableFile.read(scratch["a"], kind: kind) == bytes)
            #expect(try DurableFile.read(scratch["b"], kind: kind) == nil)
            #expect(try DurableFile.read(scratch["a"], limit: 200_000, kind: kind)?.count == 200_000)
            let failure = #expect(throws: Failure.self) {
                try DurableFile.read(scratch["a"], limit: 199_999, kind: kind)
            }
            #expect(failure?.message == "reading \(scratch["a"]): it is longer than 195.3 KiB")
        }
    }

    @Test func `a file of /proc, whose size is 0, is read truly`() throws {
        #expect(try FilePath("/proc/self/status").stat().size == 0)
        let text = String(decoding: try #require(try DurableFile.read("/proc/self/status")), as: UTF8.self)
        #expect(text.contains("Pid:\t\(getpid())\n"))
    }

    @Test func `a pipe is read until its writer closes it, or refused where only a file will do`() throws {
        #expect(mkfifo(scratch["pipe"].string, 0o600) == 0)
        // Opened without waiting for a writer.
        let refused = #expect(throws: Failure.self) { try DurableFile.read(scratch["pipe"], kind: .regular) }
        #expect(refused?.code == .notAFile)
        let bytes = [UInt8](repeating: 7, count: 200_000)
        let path = scratch["pipe"]
        let writer = Thread {
            guard let file = try? FileDescriptor.open(path, .writeOnly) else { return }
            _ = try? file.writeAll(bytes)
            try? file.close()
        }
        writer.start()
        #expect(try DurableFile.read(path) == bytes)
    }

    @Test func `a directory and a device are refused by name`() throws {
        let failure = #expect(throws: Failure.self) { try DurableFile.read(scratch.path) }
        #expect(failure?.message == "reading \(scratch.path): is a directory")
        #expect(throws: Failure.self) { try DurableFile.read("/dev/zero", kind: .regular) }
        #expect(throws: Failure.self) { try DurableFile.read("/dev/zero", limit: 1 << 20) }
    }

    @Test func `a name in an open directory is not followed out of it`() throws {
        scratch.write("outside", to: "outside")
        scratch.write("inside", to: "tree/file")
        try FileManager.default.createSymbolicLink(
            atPath: scratch["tree/link"].string, withDestinationPath: "../outside")
        let directory = try FileDescriptor.open(scratch["tree"], .readOnly, options: .directory)
        defer { try? directory.close() }
        #expect(try DurableFile.read("file", in: directory) == Array("inside".utf8))
        #expect(throws: Errno.tooManySymbolicLinkLevels) { try DurableFile.read("link", in: directory) }
    }
}
