package import Diagnostics
package import Recipes

/// Gives running nodes the Docker configuration of their recipes.
///
/// The steps on a node, each with a time limit:
/// 1. probe its engine and its files;
/// 2. merge the recipe's keys, and validate the result;
/// 3. let dockerd validate it, if it can;
/// 4. replace the file;
/// 5. restart Docker and wait until it answers;
/// 6. if it does not answer, put the old file back, restart again, and report the last lines of dockerd's log.
///
/// Workers are changed in parallel, then managers one by one. After a manager that failed no other is changed, so that the
/// swarm keeps its majority.
package struct DaemonRound: Sendable {
    private let ssh: SSHRunner
    private let jobs: Int
    /// How long an engine may take to come back, in seconds.
    private let wait: Int
    private let events: @Sendable (NodeEvent) -> Void

    package init(
        ssh: SSHRunner, jobs: Int, wait: Int = 90, events: @escaping @Sendable (NodeEvent) -> Void
    ) {
        self.ssh = ssh
        self.jobs = jobs
        self.wait = wait
        self.events = events
    }

    /// What the recipe of each node would change there.
    package func compare(_ nodes: [Node]) async -> [(node: Node, change: Result<DaemonChange, Failure>)] {
        await inParallel(nodes, jobs: jobs) { node in (node: node, change: await change(for: node)) }
    }

    package func apply(to nodes: [Node]) async -> [NodeOutcome] {
        var outcomes: [String: NodeOutcome] = [:]
        var workers: [(node: Node, change: DaemonChange)] = []
        var managers: [(node: Node, change: DaemonChange)] = []
        for (node, change) in await compare(nodes) {
            let name = node.hostname.value
            switch change {
            case .failure(let failure): outcomes[name] = finish(NodeOutcome(name, failed: failure))
            case .success(let change) where change.isEmpty:
                outcomes[name] = finish(NodeOutcome(name, .unchanged, "is as the recipe wants it"))
            case .success(let change) where change.isManager && change.needsRestart: managers.append((node, change))
            case .success(let change): workers.append((node, change))
            }
        }
        for outcome in await inParallel(workers, jobs: jobs, { finish(await apply($0.change, to: $0.node)) }) {
            outcomes[outcome.node] = outcome
        }
        var stopped: String?
        for (node, change) in managers {
            let name = node.hostname.value
            if let stopped {
                outcomes[name] = finish(
                    NodeOutcome(
                        name, .skipped, "not changed, because the manager \(stopped) failed",
                        hint: "fix that manager first: a swarm that loses its majority accepts no changes"))
                continue
            }
            let outcome = finish(await apply(change, to: node))
            outcomes[name] = outcome
            if outcome.isFailure { stopped = name }
        }
        return nodes.compactMap { outcomes[$0.hostname.value] }
    }

    private func finish(_ outcome: NodeOutcome) -> NodeOutcome {
        events(.done(outcome))
        return outcome
    }

    private func change(for node: Node) async -> Result<DaemonChange, Failure> {
        let name = node.hostname.value
        events(.step(node: name, step: "probing"))
        do {
            let result = try await ssh.run(NodeProbe.script, on: RemoteHost(node), as: .root, limit: .seconds(100))
            return .success(try DaemonChange(node, on: try NodeProbe(result)))
        } catch let failure as Failure {
            return .failure(failure)
        } catch let report as DiagnosticReport {
            return .failure(Failure(.remote, Self.summary(of: report.errors.map(\.description))))
        } catch {
            return .failure(Failure(.system, "\(error)"))
        }
    }

    /// The first of the mistakes: the node's own file can have any number.
    private static func summary(of mistakes: [String]) -> String {
        let shown = mistakes.prefix(20).map { $0.count > 500 ? $0.prefix(500) + "…" : $0 }
        let more = mistakes.count - shown.count
        return (shown + (more > 0 ? ["… and \(more) more"] : [])).joined(separator: "\n")
    }

    private func apply(_ change: DaemonChange, to node: Node) async -> NodeOutcome {
        let name = node.hostname.value
        events(.step(node: name, step: change.needsRestart ? "restarting Docker" : "recording the recipe's keys"))
        // Two restarts with a wait each, and a wait for the managers of the swarm.
        let limit = Duration.seconds(wait * 3 + 120)
        let result: RemoteResult
        do throws(Failure) {
            result = try await ssh.run(change.script(wait: wait), on: RemoteHost(node), as: .root, limit: limit)
        } catch { return NodeOutcome(name, failed: error) }
        let answer = ScriptAnswer(result.output)
        // daemon.sh sends 15 lines of up to 500 bytes.
        let log = NodeText.lastLines(String(decoding: answer.files["log"] ?? [], as: UTF8.self), 15)
        func failed(_ message: String, hint: String? = nil) -> NodeOutcome {
            NodeOutcome(name, .failed, message, hint: hint, log: log)
        }
        switch answer["result"] {
        case "changed-and-running":
            return NodeOutcome(
                name, .done,
                change.isManager
                    ? "Docker runs with the new settings; the swarm has its majority"
                    : "Docker runs with the new settings")
        case "same": return NodeOutcome(name, .unchanged, "is as the recipe wants it")
        case "invalid": return failed("dockerd rejects the new settings; nothing was changed")
        case "rolled-back":
            return failed("Docker does not start with the new settings; the old ones are back, and it runs")
        case "down":
            return failed(
                "Docker starts neither with the new settings nor with the old ones",
                hint: "the old settings are back in place; read the log on the node: journalctl -u docker")
        case "no-quorum":
            return failed(
                "Docker runs with the new settings, but the swarm's managers have no majority",
                hint: "run `docker node ls` there, and start the other managers")
        case "busy": return failed("another piflash is changing it")
        case "changed":
            return failed(
                "another program changed \(change.path) meanwhile; nothing was done", hint: "run the command again")
        case "unwritable":
            return failed("\(change.path) cannot be written; nothing was changed", hint: "is its card full?")
        default:
            return failed("no answer: \(SSHFailure.lastLine(result.errors) ?? "exit \(result.exit)")")
        }
    }
}
