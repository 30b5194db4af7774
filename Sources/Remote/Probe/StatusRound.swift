package import Diagnostics
package import Recipes

/// Asks many nodes for their state.
package struct StatusRound: Sendable {
    package struct Row: Sendable {
        package var node: Node
        package var result: Result<NodeStatus, Failure>

        /// Whether the node does not answer, or its first boot failed.
        package var isFailure: Bool {
            switch result {
            case .success(let status): status.hasFailed
            case .failure: true
            }
        }

        package var isSettled: Bool {
            switch result {
            case .success(let status): status.isSettled
            case .failure: false
            }
        }
    }

    private let ssh: SSHRunner
    private let jobs: Int
    private let limit: Duration
    private let now: @Sendable () -> Int64

    /// `now` is our clock, in seconds since 1970.
    package init(ssh: SSHRunner, jobs: Int, limit: Duration, now: @escaping @Sendable () -> Int64) {
        self.ssh = ssh
        self.jobs = jobs
        self.limit = limit
        self.now = now
    }

    /// The states in the order of the nodes; for a node that does not answer, the reason.
    package func ask(_ nodes: [Node]) async -> [Row] {
        await inParallel(nodes, jobs: jobs) { node in
            do throws(Failure) {
                // Before ssh logs in: that time counts as uncertain. It is too short to matter for a certificate.
                let asked = now()
                let result = try await ssh.run(NodeStatus.script, on: RemoteHost(node), as: .user, limit: limit)
                return Row(node: node, result: .success(try NodeStatus(result, asked: asked, answered: now())))
            } catch {
                return Row(node: node, result: .failure(error))
            }
        }
    }
}
