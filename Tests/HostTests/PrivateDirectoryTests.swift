import Diagnostics
import Foundation
import Host
import SystemPackage
import TestSupport
import Testing

/// What somebody else can have put into a directory of piflash's own is refused at once, and what it leads to stays.
@Suite struct PrivateDirectoryTests {
    private let scratch = ScratchDirectory()
    private let directory: PrivateDirectory

    init() throws { directory = try PrivateDirectory.make(scratch["own"]) }

    private func refusal<Value>(_ severity: Failure.Severity = .refused, _ body: () throws -> Value) -> Failure? {
        let start = ContinuousClock.now
        let failure = #expect(throws: Failure.self) { _ = try body() }
        #expect(ContinuousClock.now - start < .seconds(5), "it waited")
        #expect(failure?.severity == severity)
        #expect(failure?.hint != nil)
        return failure
    }

    /// Every way to open the file `name`.
    private func refusals(
        of name: String, isKey: Bool = false, _ severity: Failure.Severity = .refused
    ) -> [Failure?] {
        [
            refusal(severity) { try directory.read(name, isKey: isKey) },
            refusal(severity) { try directory.openFile(name, .read, isKey: isKey) },
            refusal(severity) { try directory.openFile(name, .change, isKey: isKey) },
            refusal(severity) { try directory.openFile(name, .append, isKey: isKey) },
        ]
    }

    @Test(arguments: ["file", "directory", "nothing"])
    func `a link is not followed, whatever it leads to`(_ target: String) throws {
        scratch.write("precious", to: "canary/file")
        try FileManager.default.createDirectory(
            atPath: scratch["canary/directory"].string, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: scratch["own/x"].string, withDestinationPath: scratch["canary/\(target)"].string)
        let locks = [
            refusal { try FileLock.take("x", in: directory, .exclusive) },
            refusal { try FileLock.take(existing: "x", in: directory, .shared) },
            refusal { try FileLock.wait(for: "x", in: directory, .exclusive) },
            refusal { try FileLock.isHeld("x", in: directory) },
        ]
        let directories = [refusal { try directory.directory("x") }, refusal { try directory.makeDirectory("x") }]
        for failure in refusals(of: "x") + locks + directories {
            #expect(failure?.message.contains("\(scratch["own/x"]) is a symbolic link") == true)
        }
        #expect(try !directory.keep("x", with: [1]))
        try directory.replace("x", with: [1])
        #expect(scratch.read("own/x") == [1])
        #expect(scratch.read("canary/file") == Array("precious".utf8))
        #expect(
            try FileManager.default.subpathsOfDirectory(atPath: scratch["canary"].string).sorted() == [
                "directory", "file",
            ])
        #expect(try scratch["canary/file"].stat().permissions.rawValue & 0o777 == 0o644)
    }

    @Test func `the directory itself is not reached through a link`() throws {
        try FileManager.default.createSymbolicLink(
            atPath: scratch["link"].string, withDestinationPath: scratch["own"].string)
        for use in [PrivateDirectory.Use.state, .output(mode: 0o755)] {
            #expect(refusal { try PrivateDirectory.open(scratch["link"], for: use) } != nil)
            #expect(refusal { try PrivateDirectory.make(scratch["link"], for: use) } != nil)
        }
        scratch.write("a file", to: "file")
        #expect(refusal { try PrivateDirectory.open(scratch["file"]) }?.message.contains("is a file") == true)
    }

    @Test func `a FIFO, a device, a socket and a directory are refused without waiting`() throws {
        #expect(mkfifo(scratch["own/fifo"].string, 0o600) == 0)
        // /dev/zero, which never ends.
        #expect(mknod(scratch["own/device"].string, S_IFCHR | 0o600, 0x105) == 0)
        #expect(mknod(scratch["own/socket"].string, S_IFSOCK | 0o600, 0) == 0)
        #expect(mkdir(scratch["own/directory"].string, 0o700) == 0)
        for (name, kind) in [("fifo", "a FIFO"), ("device", "a device"), ("directory", "a directory")] {
            let severity = name == "directory" ? Failure.Severity.failed : .refused
            for failure in refusals(of: name, severity) {
                #expect(failure?.message.contains("is \(kind)") == true, "\(name)")
            }
            #expect(refusal(severity) { try FileLock.take(name, in: directory, .exclusive) } != nil)
        }
        for failure in refusals(of: "socket") { #expect(failure?.message.contains("is a socket") == true) }
        #expect(refusal { try directory.directory("fifo") }?.message.contains("is a FIFO") == true)
    }

    @Test func `what belongs to somebody else is refused, with their name`() throws {
        scratch.write("theirs", to: "own/x")
        #expect(chmod(scratch["own/x"].string, 0o600) == 0 && chown(scratch["own/x"].string, 1, 1) == 0)
        for failure in refusals(of: "x") { #expect(failure?.message.contains("belongs to daemon") == true) }
        #expect(chown(scratch["own"].string, 4242, 4242) == 0)
        #expect(refusal { try PrivateDirectory.open(scratch["own"]) }?.message.contains("belongs to user 4242") == true)
        #expect(refusal { try PrivateDirectory.make(scratch["own"]) } != nil)
    }

    @Test(arguments: [0o620, 0o602, 0o666, 0o777] as [mode_t])
    func `what others may write to is refused`(_ mode: mode_t) throws {
        scratch.write("x", to: "own/x")
        #expect(chmod(scratch["own/x"].string, mode) == 0)
        for failure in refusals(of: "x") { #expect(failure?.message.contains("others may write") == true) }
        #expect(chmod(scratch["own"].string, mode | 0o100) == 0)
        #expect(refusal { try PrivateDirectory.open(scratch["own"]) }?.message.contains("others may write") == true)
    }

    @Test(arguments: [0o640, 0o604, 0o644] as [mode_t])
    func `a key that others may read is refused, and another file is closed to them`(_ mode: mode_t) throws {
        scratch.write("x", to: "own/x")
        #expect(chmod(scratch["own/x"].string, mode) == 0)
        for failure in refusals(of: "x", isKey: true) { #expect(failure?.message.contains("is a key") == true) }
        #expect(try directory.read("x") == Array("x".utf8))
        #expect(try scratch["own/x"].stat().permissions.rawValue & 0o777 == 0o600)
        #expect(try directory.read("x", isKey: true) == Array("x".utf8))
        #expect(chmod(scratch["own"].string, 0o755) == 0)
        #expect(try PrivateDirectory.open(scratch["own"]) != nil)
        #expect(try scratch["own"].stat().permissions.rawValue & 0o777 == 0o700)
        #expect(try directory.read("missing", isKey: true) == nil)
    }

    @Test func `a directory for results may be open to others, and stays so`() throws {
        #expect(chmod(scratch["own"].string, 0o775) == 0)
        let results = try PrivateDirectory.make(scratch["own"], for: .output(mode: 0o700))
        try results.replace("x", with: [1])
        #expect(try scratch["own"].stat().permissions.rawValue & 0o777 == 0o775)
        #expect(try scratch["own/x"].stat().permissions.rawValue & 0o777 == 0o600)
        _ = try results.makeDirectory("made")
        #expect(try scratch["own/made"].stat().permissions.rawValue & 0o077 == 0)
    }

    @Test func `a file that is longer than its limit is refused before it is read`() throws {
        #expect(truncate(scratch.write("", to: "own/x").string, 20 << 30) == 0)
        #expect(chmod(scratch["own/x"].string, 0o600) == 0)
        let start = ContinuousClock.now
        let failure = #expect(throws: Failure.self) { try directory.read("x") }
        #expect(failure?.message.contains("it is longer than 1 MiB") == true)
        #expect(throws: Failure.self) { try DurableFile.read(scratch["own/x"]) }
        #expect(ContinuousClock.now - start < .seconds(1))
    }

    @Test func `a FIFO that nobody writes to is a failure, and not a wait`() throws {
        #expect(mkfifo(scratch["fifo"].string, 0o600) == 0)
        let start = ContinuousClock.now
        let failure = #expect(throws: Failure.self) { try DurableFile.read(scratch["fifo"]) }
        #expect(failure?.code == .notAFile)
        #expect(ContinuousClock.now - start < .seconds(10))
    }
}
