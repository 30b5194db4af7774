package import Diagnostics
package import Recipes

/// Asks many nodes how they are.
package struct StatusRound: Sendable {
    package struct Row: Sendable {
        package var node: Node
        package var result: Result<NodeStatus, Failure>
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

    /// In the nodes' order; one that does not answer has the reason.
    package func ask(_ nodes: [Node]) async -> [Row] {
        await inParallel(nodes, jobs: jobs) { node in
            do throws(Failure) {
                // Before ssh logs in: all of that time is in doubt, and less than the time that a certificate minds.
                let asked = now()
                let result = try await ssh.run(NodeStatus.script, on: RemoteHost(node), as: .user, limit: limit)
                return Row(node: node, result: .success(try NodeStatus(result, asked: asked, answered: now())))
            } catch {
                return Row(node: node, result: .failure(error))
            }
        }
    }
}

extension StatusRound.Row {
    /// Failed is who does not answer, and whose first boot gave up.
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
