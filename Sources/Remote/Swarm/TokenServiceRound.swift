import Diagnostics
package import Provisioning
package import Recipes
import Text

/// Gives running managers the list of the swarm's nodes as the recipes have it now, and opens their token services.
package struct TokenServiceRound: Sendable {
    private let ssh: SSHRunner
    private let jobs: Int
    private let events: @Sendable (NodeEvent) -> Void

    package init(ssh: SSHRunner, jobs: Int, events: @escaping @Sendable (NodeEvent) -> Void = { _ in }) {
        self.ssh = ssh
        self.jobs = jobs
        self.events = events
    }

    /// - Parameter managers: the managers, each with the files that its token service reads.
    package func open(_ managers: [(node: Node, files: [Provision.NodeFile])]) async -> [NodeOutcome] {
        await inParallel(managers, jobs: jobs) { node, files in
            let name = node.hostname.value
            events(.step(node: name, step: "opening the token service"))
            let outcome: NodeOutcome
            do throws(Failure) {
                let result = try await ssh.run(
                    Self.script(files), on: RemoteHost(node), as: .root, limit: .seconds(120))
                outcome = Self.outcome(of: name, result)
            } catch { outcome = NodeOutcome(name, failed: error) }
            events(.done(outcome))
            return outcome
        }
    }

    /// Each file is replaced as a whole: sshd and the token service read them at each request.
    static func script(_ files: [Provision.NodeFile]) -> String {
        let puts = files.map { file in
            "put \(shellQuoted(file.path)) \(String(file.mode, radix: 8)) "
                + "\(shellQuoted(String(decoding: file.contents, as: UTF8.self)))"
        }
        return """
            umask 077
            root=${PIFLASH_ROOT:-}
            put() {
                printf '%s' "$3" >"$root$1.piflash-new" && chmod "$2" "$root$1.piflash-new" &&
                    mv -f "$root$1.piflash-new" "$root$1"
            }
            [ -s "$root/etc/piflash/swarm/host_key" ] || { echo 'result none'; return 0; }
            \(puts.joined(separator: " &&\n")) || { echo 'result unwritable'; return 0; }
            sync
            if systemctl restart \(TokenService.unitName); then echo 'result open'; else echo 'result stopped'; fi
            """
    }

    private static func outcome(of name: String, _ result: RemoteResult) -> NodeOutcome {
        switch ScriptAnswer(result.output)["result"] {
        case "open": NodeOutcome(name, .done, "its token service has the rack's list, and is open")
        case "none":
            NodeOutcome(
                name, .failed, "it has no token service",
                hint: "its card was not written as a manager's of this rack: apply the recipe with `piflash configure`")
        case "unwritable":
            NodeOutcome(name, .failed, "its files cannot be written", hint: "is its card full?")
        case "stopped":
            NodeOutcome(
                name, .failed, "its token service does not start",
                hint: "read its log on the node: journalctl -u \(TokenService.unitName)")
        default:
            NodeOutcome(name, .failed, "no answer: \(SSHFailure.lastLine(result.errors) ?? "exit \(result.exit)")")
        }
    }
}
