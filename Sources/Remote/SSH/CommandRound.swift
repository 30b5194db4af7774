import Text
import Diagnostics
import Provisioning
package import Recipes

/// Runs one command on many nodes.
package struct CommandRound: Sendable {
    /// The script that runs `words`. Several words are a program and its arguments, passed as they are; a single word is a
    /// command line for the shell.
    package static func script(_ words: [String]) -> String {
        words.count == 1 ? "sh -c \(shellQuoted(words[0]))" : words.map(shellQuoted).joined(separator: " ")
    }

    private let ssh: SSHRunner
    private let jobs: Int
    private let limit: Duration
    private let events: @Sendable (NodeEvent) -> Void

    package init(ssh: SSHRunner, jobs: Int, limit: Duration, events: @escaping @Sendable (NodeEvent) -> Void) {
        self.ssh = ssh
        self.jobs = jobs
        self.limit = limit
        self.events = events
    }

    package func run(_ words: [String], on nodes: [Node], as privilege: RemotePrivilege) async -> [NodeOutcome] {
        let script = Self.script(words)
        return await inParallel(nodes, jobs: jobs) { node in
            let name = node.hostname.value
            events(.step(node: name, step: "running"))
            var outcome: NodeOutcome
            do throws(Failure) {
                let result = try await ssh.run(script, on: RemoteHost(node), as: privilege, limit: limit) {
                    events(.line(node: name, $0))
                }
                outcome = NodeOutcome(
                    name, result.exit == 0 ? .done : .failed, "exit \(result.exit)", exit: result.exit, output: result)
            } catch {
                outcome = NodeOutcome(name, failed: error)
            }
            events(.done(outcome))
            return outcome
        }
    }
}
