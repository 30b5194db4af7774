import Foundation
import Recipes
import SystemPackage
import Testing
import TestSupport

@testable import Provisioning

/// A node in a directory: the first-boot program with its settings, the boot partition, and stand-ins for Docker, systemd
/// and curl, which are the only commands in its PATH besides those that a Pi has for sure.
final class NodeRig: Sendable {
    let scratch = ScratchDirectory()

    /// What the program takes from the system.
    private static let tools = [
        "awk", "cat", "chmod", "cmp", "cut", "date", "dd", "flock", "grep", "head", "mkdir", "mv", "od", "rm", "sed",
        "sh",
        "sleep",
        "sync", "tail", "touch", "tr", "uname", "wc",
    ]

    /// PATH: the stand-ins, then the tools.
    let path: String

    init(_ settings: FirstBootSettings, docker: Bool = true, curl: Bool = true) throws {
        let tools = try SharedFiles.directory("tools of a node") { directory in
            for tool in Self.tools {
                let found = try #require(
                    ["/usr/bin/\(tool)", "/bin/\(tool)"].first(where: FileManager.default.fileExists))
                try FileManager.default.createSymbolicLink(
                    atPath: directory.appending(tool).string, withDestinationPath: found)
            }
        }
        path = "\(scratch["bin"]):\(tools)"
        install("ip", "exit 1")
        // This machine's clock is not the node's.
        install(
            "date",
            "case \"$*\" in *-s*) echo 'date: Operation not permitted' >&2; exit 1 ;; esac; exec /bin/date \"$@\"")
        install("timedatectl", "echo 'System clock synchronized: yes'")
        install(
            "systemctl",
            """
            echo "$*" >>"$RIG/systemctl.log"
            case $1 in cat) /bin/cat "$RIG/unit" ;; restart) [ ! -e "$RIG/docker-broken" ] ;; esac
            """)
        if docker {
            install(
                "docker",
                """
                echo "$*" >>"$RIG/docker.log"
                if [ -e "$RIG/docker-down" ]; then echo 'Cannot connect to the Docker daemon' >&2; exit 1; fi
                case $1:$2:$3 in
                info:-f:*LocalNodeState*) /bin/cat "$RIG/swarm-state" ;;
                info:-f:*) echo 'boom' ;;
                swarm:join:*) echo active >"$RIG/swarm-state" ;;
                swarm:leave:*) echo inactive >"$RIG/swarm-state" ;;
                esac
                """)
        }
        if curl {
            install(
                "curl",
                """
                case "$*" in *https://*)
                    echo "$*" >>"$RIG/probe.log"
                    for silent in $(cat "$RIG/silent" 2>/dev/null); do
                        case "$*" in *"https://$silent/"*) exit 28 ;; esac
                    done
                    exit 35 ;;
                esac
                /bin/cat >"$RIG/request"
                echo "$*" >>"$RIG/curl.log"
                cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' >"$RIG/processes"
                while [ $# -gt 0 ]; do case $1 in -o) out=$2 ;; esac; shift; done
                left=$(cat "$RIG/manager-down" 2>/dev/null || echo 0)
                if [ "$left" -gt 0 ]; then
                    echo $((left - 1)) >"$RIG/manager-down"
                    printf '{"message":"%s"}\\n' "$(cat "$RIG/reason")" >"$out"
                    printf 500
                else
                    echo active >"$RIG/swarm-state"
                    printf 200
                fi
                """)
        }
        scratch.write("inactive\n", to: "swarm-state")
        scratch.write(
            "[Service]\nExecStart=/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock\n", to: "unit")
        scratch.write(
            "Iface\tDestination\nlo\t0\neth0\t00000000\t0132A8C0\t0003\t0\t0\t202\t00000000\n",
            to: "root/proc/net/route")
        scratch.write("", to: "root/boot/config.txt")
        scratch.write("", to: "root/run/systemd/system/.keep")
        configure(settings)
    }

    /// Writes what a card with `settings` has; the files land where cloud-init would put them.
    func configure(_ settings: FirstBootSettings, token: String? = nil) {
        for file in settings.files { scratch.write(file.contents, to: "root\(file.path)") }
        if let daemon = settings.daemon { scratch.write(daemon, to: "root/etc/docker/daemon.json") }
        if let token { scratch.write(token + "\n", to: "root/boot/piflash/join-token") }
    }

    func install(_ name: String, _ body: String) {
        scratch.writeProgram("#!/bin/sh\n\(body)\n", to: "bin/\(name)")
    }

    /// Runs the program once, as one boot does; pauses take no time, and a join is tried three times.
    @discardableResult
    func run(_ shell: Shell) throws -> OutsideTool.Result {
        try run(shell.command + [scratch["root\(FirstBootProgram.path)"].string])
    }

    /// Runs a command with the node's PATH.
    func run(_ command: [String]) throws -> OutsideTool.Result {
        try OutsideTool("env").run(["PATH=\(path)"] + command, environment: environment)
    }

    var environment: [String: String] {
        [
            "PIFLASH_ROOT": scratch["root"].string, "PIFLASH_TICK": "0", "PIFLASH_ROUNDS": "3",
            "RIG": scratch.path.string,
        ]
    }

    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: scratch[name].string) }

    func text(_ name: String) -> String { has(name) ? String(decoding: scratch.read(name), as: UTF8.self) : "" }

    /// The status file's fields.
    var status: [String: String] {
        Dictionary(
            text("root/boot/piflash/status.txt").split(separator: "\n").compactMap { line in
                line.firstRange(of: ": ").map { (String(line[..<$0.lowerBound]), String(line[$0.upperBound...])) }
            }, uniquingKeysWith: { $1 })
    }

    enum Shell: String, CaseIterable {
        case dash, busybox

        var command: [String] { self == .dash ? ["/usr/bin/dash"] : ["/usr/bin/busybox", "sh"] }
    }
}

extension FirstBootSettings {
    static func sample(
        node: String = "red01", flashTime: Int64 = 0, docker: Bool = true, daemon: String? = nil, hosts: Bool = false,
        managers: [String]? = ["10.0.0.1:2377", "10.0.0.2:2377"], advertise: String? = nil, commands: [String] = []
    ) -> Self {
        Self(
            node: node, bootMountPoint: "/boot", flashTime: flashTime, usesDocker: docker,
            daemon: daemon.map { Array($0.utf8) }, daemonHasHosts: hosts, managers: managers, advertise: advertise,
            commands: commands)
    }
}

extension RackKeys {
    static let nodes = NodeKeys(secret: [UInt8](repeating: 7, count: 32))

    static let sample = RackKeys(
        host: .make(comment: "host"), own: nodes.pair(of: "red01"),
        members: Dictionary(uniqueKeysWithValues: ["red00", "red01"].map { ($0, nodes.pair(of: $0).publicKey) }))

    /// A rack that an older piflash began.
    static let ofOldRack: RackKeys = {
        var keys = sample
        keys.shared = .init(worker: .make(comment: "worker"), manager: .make(comment: "manager"))
        return keys
    }()
}

extension SwarmFormation {
    static func sample(
        role: Node.Swarm.Role = .worker, isFirst: Bool = false, managers: [String] = ["10.0.0.10:2377"],
        labels: [String] = [], availability: [Node.Swarm.Role: Node.Swarm.Availability] = [:],
        nodes: [String] = ["red00"], addressPool: [String] = [], certificateHours: Int = 8760,
        networks: [Node.Swarm.Network] = [], stacks: [Material.Stack] = [], keys: RackKeys = .sample
    ) -> Self {
        let members = nodes.map { name in
            Node.Swarm.Member(
                name: name, role: name == "red00" ? .manager : .worker, labels: name == "red00" ? labels : [])
        }
        return Self(
            role: role, isFirst: isFirst, managers: managers, ownAddress: nil, labels: labels,
            availability: availability, nodes: nodes, members: role == .manager ? members : [],
            addressPool: addressPool, certificateHours: certificateHours,
            networks: networks, stacks: stacks, keys: keys)
    }
}
