import Foundation
import SystemPackage
import TestSupport
import Testing

/// What piflash keeps on the workstation survives a power cut, and nobody else can read its secrets. strace is the oracle:
/// the files themselves do not show what was flushed, and in which order.
@Suite struct DurableFilesTests {
    /// Everything that piflash keeps, by the commands that make it.
    private static let runs: [(arguments: [String], environment: [String: String])] = [
        (["write", "--recipe", "red/red01.yaml", "--yes", "card.img"], [:]),
        (["write", "--recipe", "red/red01.yaml", "--yes", "card.img"], [:]),
        (["context", "red"], [:]),
        (["configure", "--recipe", "red/red01.yaml", "card.img"], ["PI_PASSWORD": "another one"]),
        (["configure", "--recipe", "blue/blue01.yaml", "boot"], [:]),
        (["redo", "red01", "red"], [:]),
        (["labels", "--with-password", "red"], [:]),
        (["render", "--recipe", "red/red01.yaml", "--into", "tree"], [:]),
    ]

    /// The files that have to be among them, as regular expressions; a list that is too short would prove nothing.
    private static let expected = [
        "red/\\.piflash/salt\\.key", "red/\\.piflash/swarm/(host|nodes\\.key)", "red/\\.piflash/tls/ca(-key)?\\.pem",
        "red/\\.piflash/tls/nodes/red01/(cert|key)\\.pem", "red/\\.piflash/tls/client/(cert|key)\\.pem",
        "red/\\.piflash/contexts/(ca|cert|key)\\.pem", "red/\\.piflash/contexts/red01\\.dockercontext",
        "cache/piflash/images/[0-9a-f]+\\.img", "cache/piflash/images/[0-9a-f]+\\.json",
        "cache/piflash/sources/[0-9a-f]+\\.json", "card\\.img", "boot/user-data", "boot/meta-data", "boot/cmdline.txt",
        "boot/piflash/card.json", "blue/\\.piflash/salt\\.key", "red/labels\\.html",
    ]

    private static func matches(_ path: String, _ pattern: String) throws -> Bool {
        try path.wholeMatch(of: Regex(pattern)) != nil
    }

    @Test func `what is kept is written, flushed, named and named on the disk, in this order`() throws {
        let world = try Workstation()
        var named: Set<String> = []
        for (arguments, environment) in Self.runs {
            let trace = try world.traced(arguments, environment: environment)
            let command = arguments.joined(separator: " ")
            #expect(trace.result.succeeded, "\(command): \(trace.result.errors)")
            for fault in trace.faults(below: world.scratch.path) { Issue.record("\(command): \(fault)") }
            for name in trace.names(below: world.scratch.path) {
                named.insert(String(name.path.dropFirst(world.scratch.path.string.utf8.count + 1)))
            }
            // What grows or changes in its place.
            for name in ["red/.piflash/ledger", "blue/.piflash/ledger", "card.img"] {
                #expect(trace.isLastWriteFlushed(to: world.scratch[name]) != false, "\(command): \(name)")
            }
        }
        for pattern in Self.expected {
            #expect(try named.contains { try Self.matches($0, pattern) }, "\(pattern) was not written")
        }
    }

    @Test func `a line of the ledger is on the disk before the card is touched, and when the command ends`() throws {
        let world = try Workstation()
        let trace = try world.traced(["write", "--recipe", "red/red01.yaml", "--yes", "card.img"])
        let ledger = world.scratch["red/.piflash/ledger"].string
        let lines = trace.calls.filter { $0.kind == .write && $0.path == ledger }
        #expect(lines.count == 3, "begun, written, verified")
        for line in lines {
            let next = lines.first { $0.start > line.end }?.start ?? Int.max
            let flush = trace.calls.first { $0.kind == .fsync && $0.path == ledger && $0.start > line.end }
            #expect((flush?.end ?? Int.max) < next)
        }
        let card = world.scratch[".card.img.piflash-part"].string
        let touched = try #require(trace.calls.first { $0.kind == .write && $0.path == card && $0.end > lines[0].end })
        let flush = try #require(trace.calls.first { $0.kind == .fsync && $0.path == ledger })
        #expect(flush.end < touched.start)
        // The ledger's own name.
        let made = try #require(trace.calls.first { $0.path == ledger })
        #expect(trace.calls.contains { $0.kind == .fsync && "\($0.path)/ledger" == ledger && $0.start > made.end })
    }

    @Test func `whatever the umask, no file with a secret is ever readable by others`() throws {
        let world = try Workstation()
        var inputs = Set(try world.files())
        var traces: [SystemCalls] = []
        for (arguments, environment) in Self.runs {
            traces.append(try world.traced(arguments, environment: environment))
        }
        // A FAT has no modes: the mount decides who can read a mounted boot partition.
        inputs.formUnion(try world.files().filter { $0.hasPrefix("boot/") })
        let secret = try Self.secretFiles(world).filter { !inputs.contains($0) }
        #expect(secret.count >= 15, "\(secret)")
        for path in secret {
            let mode = try world.scratch[path].stat().permissions.rawValue
            #expect(mode & 0o077 == 0, "\(path) has mode \(String(mode, radix: 8))")
            // Nor while it was being written, under whichever name.
            for trace in traces {
                for call in trace.calls where Self.isPredecessor(call.path, of: world.scratch[path].string) {
                    guard case .create(let mode) = call.kind else { continue }
                    #expect(mode & 0o077 == 0, "\(call)")
                }
            }
        }
        let state = ["red/.piflash", "red/.piflash/swarm", "red/.piflash/tls", "red/.piflash/contexts", "cache"]
        for path in state + ["tree"] {
            #expect(try world.scratch[path].stat().permissions.rawValue & 0o077 == 0, "\(path)")
        }
    }

    /// Temporary names begin with the final one, or with a dot and it.
    private static func isPredecessor(_ path: String, of final: String) -> Bool {
        let name = FilePath(final).lastComponent?.string ?? ""
        let directory = FilePath(final).removingLastComponent().string
        return path == final || path.hasPrefix(final + ".") || path.hasPrefix("\(directory)/.\(name)")
    }

    /// The files that hold any of the secrets, by grep.
    private static func secretFiles(_ world: Workstation) throws -> [String] {
        var patterns = [
            Workstation.password, "another one", Workstation.passphrase, Workstation.proxyPassword,
            Workstation.stackPassword, Workstation.fileSecret, "$6$", "PRIVATE KEY-----",
        ]
        // The keys' own lines, wherever they are carried to.
        for path in try world.files() where path.contains("/.piflash/") {
            let text = String(decoding: world.scratch.read(path), as: UTF8.self)
            guard text.contains("PRIVATE KEY-----") else { continue }
            patterns += text.split(separator: "\n").filter { $0.utf8.count > 40 && !$0.contains("---") }.map(
                String.init)
        }
        let list = ScratchDirectory()
        list.write(patterns.map { $0 + "\n" }.joined(), to: "patterns")
        let found = try OutsideTool("grep").run([
            "-rlaF", "-f", list["patterns"].string, world.scratch.path.string,
        ])
        let prefix = world.scratch.path.string + "/"
        return found.text.split(separator: "\n").map { String($0.dropFirst(prefix.utf8.count)) }
            + ["red/.piflash/salt.key"]
    }
}
