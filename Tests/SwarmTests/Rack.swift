import Diagnostics
import Filesystems
import Foundation
import Host
import Images
import Provisioning
import Racks
import Recipes
import Stacks
import SystemPackage
import Systems
import TestSupport

/// A rack of nodes with real engines and a real sshd, each with the files that piflash writes to its card, carried out
/// by `Tests/swarm/rack`.
final class Rack: Sendable {
    struct Trouble: Error, CustomStringConvertible { let description: String }

    let scratch = ScratchDirectory()
    let names: [String]
    let keys: RackKeys
    private let program: OutsideTool

    /// Every node has its own file on top of `shared`, and the address 192.168.77.10 and up, or another /24.
    init(
        _ count: Int, network: String = Rack.network, shared: String, files: [String: String] = [:]
    ) async throws {
        for tool in ["dockerd", "sshd", "ip", "nsenter", "unshare", "ssh"] { _ = try OutsideTool(tool) }
        program = try OutsideTool(
            FilePath(#filePath).removingLastComponent().removingLastComponent().appending("swarm/rack").string)
        names = (0..<count).map { "red0\($0)" }
        for (name, text) in files { scratch.write(text, to: "recipes/\(name)") }
        scratch.write(shared, to: "recipes/red.yaml")
        for (index, name) in names.enumerated() {
            let text = "extends: red.yaml\nhostname: \(name)\naddress: \(network).1\(index)/24\n"
            scratch.write(
                text + "swarm: { labels: { rack: red, slot: \"\(index)\" } }\n", to: "recipes/\(name).yaml")
        }
        let user = InvokingUser(userID: getuid(), groupID: getgid(), home: scratch.path)
        let loader = RecipeLoader(user: user, workingDirectory: scratch.path, requireImage: false)
        var keys = RackKeys.placeholders
        for (index, name) in names.enumerated() {
            let node = try loader.load("recipes/\(name).yaml").node
            keys = try RackState(of: node).swarmKeys(for: node)
            let provision = try await Provisioner(
                saltKey: [1], rackKeys: keys, flashTime: Int64(Date().timeIntervalSince1970) - 60
            ).provision(
                node, profile: Self.profile, boot: Self.boot, root: RootSnapshot(),
                supplies: try Self.supplies(of: node),
                secrets: SecretReader(environment: [:]) { _ in nil })
            try Self.lay(provision, on: "cards/\(name)", in: scratch)
            scratch.write("\(network).1\(index)", to: "cards/\(name)/address")
        }
        self.keys = keys
        scratch.write(String(UInt16.random(in: 1000...9999)), to: "id")
        try run("up")
    }

    private static func supplies(of node: Recipes.Node) throws -> Supplies {
        var report = DiagnosticReport()
        var supplies = Supplies()
        supplies.stacks = (node.swarm?.stacks ?? []).compactMap { StackSource(reading: $0, &report) }
        if report.hasErrors { throw report }
        return supplies
    }

    static let network = "192.168.77"

    static func address(_ index: Int) -> String { "\(network).1\(index)" }

    private static let profile = OSProfile(
        flavour: .debianRaspi, bootMountPoint: "/boot", architecture: "arm64",
        system: .init(id: "debian", versionID: "12", codename: "bookworm"),
        initSystem: .init(.systemd, version: "252.38-1~deb12u1"), network: .ifupdown,
        docker: .init(version: "20.10.24"))

    private static let boot = BootSnapshot(
        label: "RASPIFIRM", names: ["cmdline.txt", "sysconf.txt"],
        files: ["cmdline.txt": Array("root=LABEL=RASPIROOT rw rootwait\n".utf8), "sysconf.txt": []])

    private static func lay(_ provision: Provision, on card: String, in scratch: ScratchDirectory) throws {
        for file in provision.bootFiles { scratch.write(file.contents, to: "\(card)/boot/\(file.path)") }
        for change in provision.rootChanges {
            let edit = change.edit
            let path = "\(card)/root\(edit.path)"
            switch edit.action {
            case .file(let contents, let mode):
                let file = scratch.write(contents, to: path)
                try FileManager.default.setAttributes([.posixPermissions: Int(mode)], ofItemAtPath: file.string)
            case .directory(let mode):
                try FileManager.default.createDirectory(
                    atPath: scratch[path].string, withIntermediateDirectories: true,
                    attributes: [.posixPermissions: Int(mode)])
            case .symbolicLink(let target):
                try FileManager.default.createDirectory(
                    atPath: scratch[path].removingLastComponent().string, withIntermediateDirectories: true)
                try FileManager.default.createSymbolicLink(
                    atPath: scratch[path].string, withDestinationPath: target)
            case .rename, .removal: continue
            }
        }
    }

    deinit { _ = try? program.run(["down", scratch.path.string]) }

    // MARK: Power and cards

    private func run(_ command: String, _ arguments: [String] = []) throws {
        let result = try program.run([command, scratch.path.string] + arguments)
        guard result.succeeded else { throw Trouble(description: "rack \(command): \(result.errors)") }
    }

    func on(_ names: [String]) throws { try run("on", names) }

    func off(_ names: [String]) throws { try run("off", names) }

    /// Another card for the same node.
    func flash(_ name: String) throws {
        try run("off", [name])
        try run("flash", [name])
    }

    /// Runs a command on a node.
    @discardableResult
    func on(_ name: String, _ words: String...) throws -> OutsideTool.Result {
        try runs(name, words)
    }

    func runs(_ name: String, _ words: [String]) throws -> OutsideTool.Result {
        try program.run(["in", scratch.path.string, name] + words)
    }

    // MARK: What can be seen

    /// Of each entry of the swarm: name, state, availability, role; in order.
    func members(seenBy name: String) throws -> [String] {
        try on(
            name, "sh", "-c",
            "docker node inspect -f '{{.Description.Hostname}} {{.Status.State}} {{.Spec.Availability}} {{.Spec.Role}}' $(docker node ls -q) 2>/dev/null"
        ).text.split(separator: "\n").map(String.init).sorted()
    }

    /// The state that the node's first boot reports.
    func status(_ name: String) -> String {
        (try? String(contentsOfFile: scratch["nodes/\(name)/changes/boot/piflash/status.txt"].string, encoding: .utf8))
            ?? ""
    }

    func file(_ path: String, of name: String) -> Bool {
        FileManager.default.fileExists(atPath: scratch["nodes/\(name)/changes\(path)"].string)
    }

    /// Waits until `condition` holds and returns the seconds that took.
    @discardableResult
    func wait(_ what: String, most: Double = 60, _ condition: () throws -> Bool) throws -> Double {
        let start = Date()
        while try !condition() {
            let hasFailed = names.contains { status($0).contains("state: failed") }
            guard Date().timeIntervalSince(start) < most, !hasFailed else {
                let reports = names.map { name in
                    let console = try? String(contentsOfFile: scratch["nodes/\(name)/console"].string, encoding: .utf8)
                    return "\(name):\n\(status(name))\((console ?? "").suffix(1500))"
                }
                throw Trouble(description: "\(what): not within \(most) s\n\(reports.joined(separator: "\n"))")
            }
            usleep(200_000)
        }
        return Date().timeIntervalSince(start)
    }

    /// The files on the nodes' cards, but for the engines' own, that hold `text`.
    func files(holding text: String) throws -> [String] {
        let result = try OutsideTool("grep").run(["-rlF", text, scratch["nodes"].string])
        return result.text.split(separator: "\n").map(String.init)
    }
}
