import Foundation
import Glibc
import Synchronization
import SystemPackage
import TestSupport

/// Nodes to log in to: a real sshd for each, on a loopback address and a high port, whose sessions find stand-ins for
/// Docker, systemd and sudo before everything else, and their files below a directory (PIFLASH_ROOT).
final class NodeRack: Sendable {
    let harness = CommandHarness()
    let names: [String]
    private let port: Int
    private let network: String
    private let servers = Mutex<[pid_t]>([])

    var scratch: ScratchDirectory { harness.scratch }

    /// - Parameters:
    ///   - names: the nodes; each gets a recipe in `rack/` with the lines of `recipe`.
    ///   - silent: of those, the ones without an sshd.
    init(_ names: [String], recipe: String = NodeRack.recipe, silent: Set<String> = []) throws {
        self.names = names
        // Addresses of our own, so that racks of other tests do not meet.
        network = "127.\(Int.random(in: 20...250)).\(Int.random(in: 1...250))"
        port = Int.random(in: 20_000...32_000)
        let keygen = try OutsideTool("ssh-keygen")
        for key in ["key", "host"] {
            let made = try keygen.run(["-q", "-t", "ed25519", "-N", "", "-f", scratch[key].string])
            guard made.succeeded else { throw OutsideTool.Missing(description: made.errors) }
        }
        scratch.write(scratch.read("key.pub"), to: "authorized_keys")
        scratch.write("", to: "known_hosts")
        installStandIns()
        for name in names {
            scratch.write("hostname: \(name)\naddress: \(address(name))/8\n\(recipe)\n", to: "rack/\(name).yaml")
            install(name)
            trust(name)
        }
        for name in names where !silent.contains(name) { try serve(name) }
    }

    deinit { stop() }

    /// Ends the servers by their ids.
    func stop() {
        for server in servers.withLock({ $0 }) { kill(server, SIGTERM) }
    }

    static let recipe = """
        docker: { daemon: { debug: true, labels: [arch=armv7, rack=red] } }
        """

    func address(_ name: String) -> String { "\(network).\((names.firstIndex(of: name) ?? 0) + 1)" }

    var options: [String] {
        [
            "--user", "root", "--identity", scratch["key"].string, "--ssh-option", "Port=\(port)", "--ssh-option",
            "UserKnownHostsFile=\(scratch["known_hosts"])", "--ssh-option", "GlobalKnownHostsFile=/dev/null",
            "--ssh-option", "IdentitiesOnly=yes", "--ssh-option", "IdentityAgent=none",
        ]
    }

    func run(
        _ arguments: String..., recipes: [String] = ["rack"], then: [String] = [], answers: [String] = [],
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) async -> CommandHarness.Outcome {
        await harness.run(
            list: arguments + options + recipes + then,
            environment: ["PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": scratch.path.string], answers: answers,
            isCancelled: isCancelled)
    }

    // MARK: A node

    /// Takes the host key of a node as known; `key` is another one's for a node that was replaced.
    func trust(_ name: String, key: String = "host.pub") {
        let text = text(of: key).split(separator: " ").prefix(2).joined(separator: " ")
        let known = self.text(of: "known_hosts").split(separator: "\n").filter { !$0.hasPrefix("[\(address(name))]") }
        scratch.write(
            (known + ["[\(address(name))]:\(port) \(text)"]).joined(separator: "\n") + "\n", to: "known_hosts")
    }

    func forget(_ name: String) {
        let known = text(of: "known_hosts").split(separator: "\n").filter { !$0.hasPrefix("[\(address(name))]") }
        scratch.write(known.map { $0 + "\n" }.joined(), to: "known_hosts")
    }

    func text(of file: String) -> String {
        FileManager.default.fileExists(atPath: scratch[file].string)
            ? String(decoding: scratch.read(file), as: UTF8.self) : ""
    }

    func text(_ name: String, _ file: String) -> String { text(of: "\(name)/\(file)") }

    func daemon(_ name: String) -> String { text(name, "root/etc/docker/daemon.json") }

    func has(_ name: String, _ file: String) -> Bool {
        FileManager.default.fileExists(atPath: scratch["\(name)/\(file)"].string)
    }

    /// Puts a program of the node's own in front of the rack's.
    ///
    /// Another process writes it: were the file open in ours while some other test forks, the shell on the node would find
    /// it busy, and take the next program of that name, which is the machine's real one.
    func stub(_ name: String, _ program: String, _ body: String) {
        let directory = scratch["\(name)/bin"].string
        let made = try! OutsideTool("sh").run(
            ["-c", "mkdir -p \"$0\" && cat >\"$0/$1\" && chmod 755 \"$0/$1\"", directory, program],
            input: Array("#!/bin/sh\n\(body)\n".utf8))
        precondition(made.succeeded, made.errors)
    }

    /// An engine that starts with any daemon.json but one with "no-such" in it.
    private func install(_ name: String) {
        scratch.write("20.10.24\n", to: "\(name)/version")
        scratch.write("inactive false\n", to: "\(name)/swarm")
        scratch.write("inactive \n", to: "\(name)/membership")
        scratch.write("", to: "\(name)/ids")
        scratch.write("", to: "\(name)/root/run/systemd/system/.keep")
    }

    private func installStandIns() {
        let name = "common"
        stub(
            name, "docker",
            """
            echo "$*" >>"$RIG/docker.log"
            if [ -e "$RIG/down" ]; then echo 'Cannot connect to the Docker daemon' >&2; exit 1; fi
            case "$1 $2" in
            "version -f") cat "$RIG/version" ;;
            "version "*) echo "Server version: $(cat "$RIG/version")" ;;
            "info -f") case $3 in *RemoteManagers*) cat "$RIG/membership" ;; *LocalNode*) cat "$RIG/swarm" ;; *) cut -d' ' -f2 <"$RIG/swarm" ;; esac ;;
            "node ls") [ ! -e "$RIG/no-quorum" ] && cat "$RIG/ids" ;;
            "node inspect") cat "$RIG/members" ;;
            "swarm join-token") echo "$*" | grep -q rotate && echo rotated >>"$RIG/rotations"
                echo SWMTKN-1-3pu6hszjas19xyp7ghgosyx9k8atbfcr8p2is99znpy26u2lkl-1awxwuwd3z9j1z3puu7rcgdbx ;;
            "swarm leave") echo "$RIG" >>"$RIG/../left.log"; echo 'inactive false' >"$RIG/swarm" ;;
            "stack deploy") cat >"$RIG/compose"; case $4 in -) ;; *) cp -r "${4%/*}" "$RIG/stack" ;; esac
                env >"$RIG/environment"; echo "Creating service $5_web" ;;
            esac
            """)
        stub(
            name, "dockerd",
            "[ \"$1\" = --version ] && echo \"Docker version $(cat \"$RIG/version\"), build x\"; exit 0")
        stub(
            name, "systemctl",
            """
            echo "$*" >>"$RIG/systemctl.log"
            case $1 in
            cat) printf '[Service]\\nExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/c.sock\\n' ;;
            restart)
                rm -f "$RIG/down"
                if grep -q no-such "$RIG/root/etc/docker/daemon.json" || [ -e "$RIG/broken" ]; then
                    echo 'failed to start daemon: logger: no log driver named no-such' >"$RIG/journal"
                    touch "$RIG/down"
                    exit 1
                fi ;;
            esac
            """)
        stub(name, "journalctl", "cat \"$RIG/journal\"")
        stub(
            name, "service",
            "echo \"$*\" >>\"$RIG/service.log\"; rm -f \"$RIG/down\"; ! grep -q no-such \"$RIG/root/etc/default/docker\""
        )
        stub(name, "sudo", "echo \"$*\" >>\"$RIG/sudo.log\"; shift; exec \"$@\"")
    }

    private func serve(_ name: String) throws {
        let rig = scratch[name].string
        let configuration = scratch.write(
            """
            Port \(port)
            ListenAddress \(address(name))
            HostKey \(scratch["host"])
            PidFile none
            AuthorizedKeysFile \(scratch["authorized_keys"])
            StrictModes no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin prohibit-password
            UsePAM no
            AcceptEnv LEAK_*
            SetEnv PATH=\(rig)/bin:\(scratch["common/bin"]):/usr/bin:/bin RIG=\(rig) PIFLASH_ROOT=\(rig)/root PIFLASH_TICK=0
            """, to: "\(name)/sshd_config")
        // Under timeout, so that none outlives a test that was killed.
        let started = try OutsideTool("sh").run(
            ["-c", "timeout 3600 \"$@\" >\"$0\" 2>&1 </dev/null & echo $!", scratch["\(name)/sshd.log"].string]
                + OpenSSHServer.command(["-D", "-e", "-f", configuration.string]))
        guard let id = pid_t(started.text.split(separator: "\n").first ?? "") else {
            throw OutsideTool.Missing(description: started.errors)
        }
        servers.withLock { $0.append(id) }
        for _ in 0..<200 {
            if text(name, "sshd.log").contains("Server listening") { return }
            usleep(20_000)
        }
        throw OutsideTool.Missing(description: "sshd: \(text(name, "sshd.log"))")
    }

    /// A place that takes connections and never says a word.
    func listenSilently(as name: String) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = in_port_t(port).bigEndian
        inet_pton(AF_INET, address(name), &place.sin_addr)
        let bound = withUnsafePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        precondition(bound == 0 && listen(descriptor, 8) == 0)
        return descriptor
    }
}
