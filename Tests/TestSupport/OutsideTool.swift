import Foundation
import Glibc
import SystemPackage

/// What `attempt` gives, as soon as it does not give nil.
///
/// A tool that another test starts at this moment has a copy of all descriptors, until it executes: what a test has just
/// closed or unlocked may be held for that long.
package func whenNoChildHoldsIt<Value>(_ attempt: () throws -> Value?) throws -> Value {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
        if let value = try attempt() { return value }
        usleep(1000)
    }
    throw OutsideTool.Missing(description: "it stays in use for a minute")
}

/// Runs the independent programs that the tests use as oracles (mtools, fsck.fat, sfdisk, …).
package struct OutsideTool: Sendable {
    package struct Result: Sendable {
        package let status: Int32
        package let output: [UInt8]
        package let errors: String
        package var text: String { String(decoding: output, as: UTF8.self) }
        package var succeeded: Bool { status == 0 }
    }

    package struct Missing: Error, CustomStringConvertible {
        package let description: String
        package init(description: String) { self.description = description }
    }

    private let path: String

    /// Finds `name`, if it is not a path, in PATH, /usr/sbin and /sbin. A missing oracle is an error, never a skipped test: `.ci/run` installs
    /// them all.
    package init(_ name: String) throws { path = try Self.path(of: name) }

    /// Where the program `name` is; see ``init(_:)``.
    package static func path(of name: String) throws -> String {
        if name.hasPrefix("/") { return name }
        // Debian's own has the modules that bootstrap installs; another may be before it in PATH.
        if name == "python3" { return "/usr/bin/python3" }
        let directories = Self.searchPath.split(separator: ":").map(String.init)
        guard let found = directories.map({ $0 + "/" + name }).first(where: FileManager.default.isExecutableFile) else {
            throw Missing(description: "\(name) is not installed: run `make bootstrap`")
        }
        return found
    }

    /// PATH for every tool: an ordinary user's, which `su` keeps, lacks what is for root.
    private static let searchPath =
        (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin:/sbin"

    /// Runs the tool to its end; its standard input is `input`.
    ///
    /// The tool starts with no signal blocked: a thread of Swift's pool blocks most, a child inherits that, and a shell
    /// with SIGCHLD blocked waits for ever.
    package func run(_ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]) throws -> Result {
        // Files, not pipes: nothing can fill up and block, whatever the tool prints.
        let scratch = ScratchDirectory()
        scratch.write(input, to: "in")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, scratch["in"].string, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, scratch["out"].string, O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, scratch["err"].string, O_WRONLY | O_CREAT, 0o600)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        // Nor with one ignored that it relies on: `yes | head` ends by it.
        var pipe = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &pipe)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let variables = ProcessInfo.processInfo.environment.merging(["PATH": Self.searchPath]) { $1 }.merging(
            environment
        ) { $1 }
        let argv = ([path] + arguments).map { strdup($0) } + [nil]
        let envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var process: pid_t = 0
        openFiles.lock()
        let code = posix_spawn(&process, path, &actions, &attributes, argv, envp)
        openFiles.unlock()
        guard code == 0 else { throw Missing(description: "\(path): \(String(cString: strerror(code)))") }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        // wait(2): the low seven bits are the signal, the next byte the exit status.
        let signal = status & 0x7F
        return Result(
            status: signal == 0 ? (status >> 8) & 0xFF : 128 + signal, output: scratch.read("out"),
            errors: String(decoding: scratch.read("err"), as: UTF8.self))
    }
}
