import Diagnostics
import Foundation
import Host
import Provisioning
import Racks
import Recipes
import SystemPackage
import TestSupport
import Testing

/// Somebody else has put something into a rack's `.piflash`, or has made it: no key of theirs is used, and nothing outside
/// it is read or changed.
@Suite struct PlantedStateTests {
    private let scratch: ScratchDirectory
    private static let now: Int64 = 1_786_961_700

    private var state: RackState { RackState(besideRecipe: scratch["rack/red01.yaml"]) }

    private let node: Node

    init() throws {
        scratch = ScratchDirectory()
        scratch.write(
            """
            hostname: red01
            address: 192.168.50.10/24
            user: { name: pirate, password: !env PI_PASSWORD }
            docker: { remote: tls }
            swarm: { managers: [red01] }
            """, to: "rack/red01.yaml")
        let loader = RecipeLoader(
            user: InvokingUser(environment: [:]), workingDirectory: scratch.path, requireImage: false)
        node = try #require(try loader.loadRack(["rack/red01.yaml"]).nodes.first)
    }

    /// Everything that piflash does with `.piflash`.
    private static let uses: [String: @Sendable (RackState, Node, FilePath) throws -> Void] = [
        "salt.key": { state, _, _ in _ = try state.saltKey() },
        "ledger": { state, node, _ in
            #expect(throws: Failure.self) { try state.ledger() }
            try LedgerWriter(state).append(LedgerEntry(node: "red01", result: .begun, time: 1))
        },
        "ledger.lock": { state, _, _ in _ = try RackLock(state, since: "now") },
        "swarm": { state, node, _ in _ = try state.swarmKeys(for: node) },
        "swarm/host": { state, node, _ in _ = try state.swarmKeys(for: node) },
        "swarm/nodes.key": { state, node, _ in _ = try state.swarmKeys(for: node) },
        "swarm/stolen": { state, node, _ in _ = try state.swarmKeys(for: node) },
        "swarm/manager": { state, node, _ in _ = try state.swarmKeys(for: node) },
        "tls": { state, node, _ in _ = try state.certificate(for: node, now: now) },
        "tls/lock": { state, node, _ in _ = try state.certificate(for: node, now: now) },
        "tls/ca.pem": { state, node, _ in _ = try state.certificate(for: node, now: now) },
        "tls/ca-key.pem": { state, node, _ in _ = try state.certificate(for: node, now: now) },
        "tls/nodes": { state, node, _ in _ = try state.certificate(for: node, now: now) },
        "tls/nodes/red01/key.pem": { state, node, _ in _ = try state.certificate(for: node, now: now) },
        "contexts": { state, node, _ in _ = try DockerContexts(of: [node], in: nil, now: now) },
        "": { state, _, _ in _ = try state.saltKey() },
    ]

    /// Makes everything that can be there.
    private func fill() throws {
        try run(
            "mkdir -p -m 700 \"$1\" \"$1/swarm\" && : >>\"$1/swarm/stolen\" && cd \"$1/swarm\" && for key in worker manager; do "
                + "[ -e $key ] || ssh-keygen -q -t ed25519 -N '' -f $key; done", "")
        for name in Self.uses.keys.sorted() where name != "ledger" {
            try Self.uses[name]?(state, node, scratch.path)
        }
        try LedgerWriter(state).append(LedgerEntry(node: "red01", result: .begun, time: 1))
    }

    /// The bytes, modes, owners and names of the canaries.
    private func canaries() throws -> String {
        try OutsideTool("sh").run([
            "-c", "cd \"$0\" && find canary -printf '%p %m %U %y %s %T@\\n' | sort && sha256sum canary/file",
            scratch.path.string,
        ]).text
    }

    private func run(_ shell: String, _ name: String) throws {
        let made = try OutsideTool("sh").run([
            "-c", "cd \"$0\" && \(shell)", scratch.path.string,
            scratch["rack/.piflash"].string + (name.isEmpty ? "" : "/\(name)"),
        ])
        #expect(made.succeeded, "\(made.errors)")
    }

    private static let plants: [(kind: String, shell: String, message: String)] = [
        ("a link to a file", "rm -rf \"$1\" && ln -s \"$PWD/canary/file\" \"$1\"", "is a symbolic link"),
        ("a link to a directory", "rm -rf \"$1\" && ln -s \"$PWD/canary/directory\" \"$1\"", "is a symbolic link"),
        ("a link to nothing", "rm -rf \"$1\" && ln -s \"$PWD/canary/none\" \"$1\"", "is a symbolic link"),
        ("a FIFO", "rm -rf \"$1\" && mkfifo -m 600 \"$1\"", "is a FIFO"),
        ("somebody else's", "chown 4242 \"$1\"", "belongs to user 4242"),
        ("one that others may write to", "chmod go+w \"$1\"", "others may write"),
    ]

    @Test(arguments: uses.keys.sorted(), plants.map(\.kind))
    func `what others may have put into a rack's state is refused by name`(_ name: String, _ kind: String) throws {
        let plant = try #require(Self.plants.first { $0.kind == kind })
        let use = try #require(Self.uses[name])
        scratch.write("precious", to: "canary/file")
        #expect(mkdir(scratch["canary/directory"].string, 0o755) == 0)
        try fill()
        let before = try canaries()
        try run(plant.shell, name)
        let start = ContinuousClock.now
        let failure = #expect(throws: Failure.self) { try use(state, node, scratch.path) }
        #expect(ContinuousClock.now - start < .seconds(10))
        #expect(failure?.severity == .refused)
        #expect(failure?.message.contains(plant.message) == true, "\(failure?.message ?? "")")
        #expect(failure?.message.contains("rack/.piflash\(name.isEmpty ? "" : "/\(name)")") == true)
        #expect(try canaries() == before)
    }

    @Test(arguments: [
        "salt.key", "swarm/host", "swarm/nodes.key", "swarm/manager", "tls/ca-key.pem", "tls/nodes/red01/key.pem",
    ])
    func `a key that others may read is refused, as by ssh`(_ name: String) throws {
        try fill()
        try run("chmod 644 \"$1\"", name)
        let failure = #expect(throws: Failure.self) { try Self.uses[name]?(state, node, scratch.path) }
        #expect(failure?.severity == .refused && failure?.message.contains("is a key and has mode 644") == true)
        try run("chmod 600 \"$1\"", name)
        try Self.uses[name]?(state, node, scratch.path)
    }

    @Test func `a state that an older piflash left open to readers is closed to them, and used`() throws {
        try fill()
        let key = try state.saltKey()
        try run("chmod 755 \"$1\" \"$1/tls\" \"$1/swarm\" && chmod 644 \"$1/ledger\" \"$1/tls/ca.pem\"", "")
        #expect(try state.saltKey() == key)
        #expect(try state.ledger().entries.count == 1)
        try fill()
        for name in ["", "tls", "swarm", "ledger", "tls/ca.pem"] {
            #expect(try state.directory.pushing(FilePath(name)).stat().permissions.rawValue & 0o077 == 0, "\(name)")
        }
    }

    @Test(arguments: [
        "salt.key", "ledger", "swarm/host", "swarm/nodes.key", "swarm/stolen", "tls/ca.pem", "tls/ca-key.pem",
    ])
    func `a file of 20 GB is a failure at once`(_ name: String) throws {
        try fill()
        try run("truncate -s 20G \"$1\"", name)
        let start = ContinuousClock.now
        #expect(throws: Failure.self) { try Self.uses[name]?(state, node, scratch.path) }
        #expect(ContinuousClock.now - start < .seconds(2))
    }

    @Test func `git leaves a rack's keys alone, also those of an older state`() throws {
        try fill()
        #expect(scratch.read("rack/.piflash/.gitignore") == Array("*\n".utf8))
        try FileManager.default.removeItem(atPath: scratch["rack/.piflash/.gitignore"].string)
        _ = try RackLock(state, since: "now")
        let git = try OutsideTool("sh").run(
            [
                "-c", "cd \"$0/rack\" && echo x >red01.yaml && git init -q . && git add . && git ls-files",
                scratch.path.string,
            ], environment: ["HOME": scratch.path.string])
        #expect(git.succeeded && git.text == "red01.yaml\n", "\(git.text)\(git.errors)")
    }
}
