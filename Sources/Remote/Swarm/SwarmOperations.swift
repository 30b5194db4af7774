import Text
package import Diagnostics
import Provisioning
package import Recipes
package import Stacks

/// Asks and changes the swarm that some recipes describe, through the first of its managers that answers.
package struct SwarmOperations: Sendable {
    /// The exit code of a script on a node that is not a manager: then the next one is asked.
    private static let notManager: Int32 = 97
    private static let onlyOnManager = """
        [ "$(docker info -f '{{.Swarm.ControlAvailable}}' 2>/dev/null)" = true ] || return \(notManager)

        """

    private let ssh: SSHRunner
    private let nodes: [Node]
    private let jobs: Int
    private let events: @Sendable (NodeEvent) -> Void

    package init(
        ssh: SSHRunner, nodes: [Node], jobs: Int, events: @escaping @Sendable (NodeEvent) -> Void = { _ in }
    ) {
        self.ssh = ssh
        self.nodes = nodes
        self.jobs = jobs
        self.events = events
    }

    /// The managers that the recipes list, in their order, then the nodes with the role manager that are not listed.
    func managers() -> [RemoteHost] {
        var hosts: [RemoteHost] = []
        for node in nodes {
            for manager in node.swarm?.managers ?? [] {
                let address = Self.host(of: manager.value)
                let own = nodes.first {
                    $0.hostname.value == address || $0.addresses.contains { $0.value.address == address }
                }
                hosts.append(
                    own.map(RemoteHost.init)
                        ?? RemoteHost(name: address, addresses: [address], user: node.user?.name.value))
            }
        }
        hosts += nodes.filter { $0.swarm?.role == .manager }.map(RemoteHost.init)
        var seen: Set<String> = []
        return hosts.filter { seen.insert($0.name).inserted }
    }

    /// The host of "host", "host:port", "[v6]:port" or an IPv6 address.
    static func host(of text: String) -> String {
        HostPort(text)?.host.description ?? text
    }

    /// Runs `script` on the first manager that answers and is one.
    private func ask(
        _ script: String, limit: Duration = .seconds(60)
    ) async throws(Failure) -> (manager: String, result: RemoteResult) {
        let hosts = managers()
        guard !hosts.isEmpty else {
            throw Failure(
                .usage, severity: .usage, "the recipes name no manager of a swarm", hint: "add swarm.managers")
        }
        var reasons: [String] = []
        for host in hosts {
            events(.step(node: host.name, step: "asking"))
            do throws(Failure) {
                let result = try await ssh.run(Self.onlyOnManager + script, on: host, as: .docker, limit: limit)
                guard result.exit == Self.notManager else { return (host.name, result) }
                reasons.append("\(host.name): is not a manager of a swarm")
            } catch {
                if error.code == .cancelled { throw error }
                reasons.append("\(host.name): \(error.message)")
                // Other failures are nodes that are off: the end of the message says what to do.
                if error.isLoginRefusal, let hint = error.hint { reasons.append("  hint: \(hint)") }
            }
        }
        throw Failure(
            .unreachable, "no manager answers:\n  " + reasons.joined(separator: "\n  "),
            hint: "`piflash run … -- docker info` shows more")
    }

    private func checked(_ answer: (manager: String, result: RemoteResult)) throws(Failure) -> RemoteResult {
        guard answer.result.exit == 0 else {
            let reason = NodeText.lastLines(answer.result.errors, 20)
            throw Failure(
                .remote,
                "\(answer.manager): \(reason.isEmpty ? "docker failed with \(answer.result.exit)" : reason.joined(separator: "\n  "))"
            )
        }
        return answer.result
    }

    // MARK: ls

    /// A node of the recipes, of the swarm, or of both.
    package struct Row: Hashable, Sendable {
        package var name: String
        /// Nil if the swarm does not know the node.
        package var member: SwarmNode?
        /// Nil if no recipe names the node.
        package var wantedRole: Node.Swarm.Role?
        /// Where a node of the recipes is that is not ready in the swarm.
        package var absence: SwarmAbsence?
    }

    /// The nodes of the recipes in their order, each with the member of its name; then the members that no recipe names. A
    /// node whose card was written again appears twice: as it is now, and as it was before. A node that is not ready is
    /// asked itself. `manager` is the one that answered.
    package func list() async throws(Failure) -> (manager: String, rows: [Row]) {
        let (manager, members) = try await members()
        return (manager, await explained(Self.join(nodes, members), members))
    }

    /// What the first manager that answers knows.
    private func members() async throws(Failure) -> (manager: String, [SwarmNode]) {
        let script = """
            ids=$(docker node ls -q) || return
            [ -n "$ids" ] || return 1
            # shellcheck disable=SC2086
            docker node inspect $ids
            """
        let answer = try await ask(script)
        return (answer.manager, try SwarmNode.list(try checked(answer).output))
    }

    /// The absence of each row's node that no member stands for, as the node itself reports it.
    private func explained(_ rows: [Row], _ members: [SwarmNode]) async -> [Row] {
        let ready = Set(rows.filter { $0.member?.state == "ready" }.map(\.name))
        let absent = nodes.filter { $0.swarm != nil && !ready.contains($0.hostname.value) }
        let absences = await inParallel(absent, jobs: jobs) { node in
            (node.hostname.value, await absence(of: node, from: members))
        }
        let byName = Dictionary(absences) { first, _ in first }
        return rows.map { row in
            var row = row
            if row.wantedRole != nil { row.absence = byName[row.name] }
            return row
        }
    }

    private func absence(of node: Node, from members: [SwarmNode]) async -> SwarmAbsence {
        do throws(Failure) {
            let result = try await ssh.run(
                SwarmReport.script, on: RemoteHost(node), as: .docker, limit: .seconds(60))
            return SwarmAbsence(of: try SwarmReport(result), named: node.hostname.value, in: members)
        } catch {
            return .noAnswer(message: error.message, hint: error.isLoginRefusal ? error.hint : nil)
        }
    }

    static func join(_ nodes: [Node], _ members: [SwarmNode]) -> [Row] {
        var rows: [Row] = []
        let byName = Dictionary(grouping: members, by: \.hostname)
        for node in nodes where node.swarm != nil {
            let name = node.hostname.value
            let own = (byName[name] ?? []).sorted {
                ($0.state == "ready" ? 0 : 1) < ($1.state == "ready" ? 0 : 1)
            }
            if own.isEmpty { rows.append(Row(name: name, member: nil, wantedRole: node.swarm?.role)) }
            for member in own { rows.append(Row(name: name, member: member, wantedRole: node.swarm?.role)) }
        }
        let named = Set(rows.map(\.name))
        return rows
            + members.filter { !named.contains($0.hostname) }.sorted { $0.hostname < $1.hostname }
            .map { Row(name: $0.hostname, member: $0, wantedRole: nil) }
    }

    // MARK: token, deploy

    package func token(for role: Node.Swarm.Role, rotate: Bool) async throws(Failure) -> String {
        let script = "docker swarm join-token \(rotate ? "--rotate " : "")-q \(role.rawValue)"
        let text = try checked(try await ask(script)).text
        guard let token = SSHFailure.lastLine(text), token.wholeMatch(of: /SWMTKN-[0-9A-Za-z-]{1,200}/) != nil else {
            throw Failure(.remote, "docker printed no token")
        }
        return token
    }

    /// Deploys a stack with the files that its compose file names, and with the values of its variables; returns the
    /// manager's name and what Docker printed.
    package func deploy(
        _ source: StackSource, variables: [String: String] = [:], limit: Duration
    ) async throws(Failure) -> (String, String) {
        let script = StackScript.text(source, variables: variables)
        let answer = try await ask(script, limit: limit)
        return (answer.manager, try checked(answer).text)
    }

    // MARK: kill

    /// Makes every node leave the swarm: the workers in parallel, then the managers one by one; the last one ends the swarm.
    /// Returns the outcome of each node, and the members that were ready and are not among the nodes.
    package func dissolve() async -> (outcomes: [NodeOutcome], strangers: [String]) {
        let probes = await inParallel(nodes, jobs: jobs) { node in await probe(node) }
        var outcomes: [String: NodeOutcome] = [:]
        var workers: [Node] = []
        var managers: [Node] = []
        for (node, probe) in zip(nodes, probes) {
            let name = node.hostname.value
            switch probe {
            case .failure(let failure): outcomes[name] = finish(NodeOutcome(name, failed: failure))
            case .success(let probe) where !probe.answers:
                outcomes[name] = finish(NodeOutcome(name, .failed, "Docker does not answer there"))
            case .success(let probe) where !probe.isInSwarm:
                outcomes[name] = finish(NodeOutcome(name, .unchanged, "is not in a swarm"))
            case .success(let probe) where probe.isManager: managers.append(node)
            case .success: workers.append(node)
            }
        }
        let strangers = managers.isEmpty ? [] : await strangers()
        for outcome in await inParallel(workers, jobs: jobs, { await leave($0, force: false) }) {
            outcomes[outcome.node] = outcome
        }
        for node in managers { outcomes[node.hostname.value] = await leave(node, force: true) }
        return (nodes.compactMap { outcomes[$0.hostname.value] }, strangers)
    }

    private func finish(_ outcome: NodeOutcome) -> NodeOutcome {
        events(.done(outcome))
        return outcome
    }

    private func strangers() async -> [String] {
        guard let (_, members) = try? await members() else { return [] }
        return Self.join(nodes, members).filter { $0.wantedRole == nil && $0.member?.state == "ready" }.map(\.name)
    }

    private func probe(_ node: Node) async -> Result<NodeProbe, Failure> {
        events(.step(node: node.hostname.value, step: "probing"))
        do throws(Failure) {
            return .success(
                try NodeProbe(
                    try await ssh.run(NodeProbe.script, on: RemoteHost(node), as: .docker, limit: .seconds(100))))
        } catch { return .failure(error) }
    }

    private func leave(_ node: Node, force: Bool) async -> NodeOutcome {
        let name = node.hostname.value
        events(.step(node: name, step: "leaving"))
        do throws(Failure) {
            let result = try await ssh.run(
                "docker swarm leave\(force ? " --force" : "")", on: RemoteHost(node), as: .docker, limit: .seconds(90))
            guard result.exit == 0 else {
                return finish(
                    NodeOutcome(
                        name, .failed, SSHFailure.lastLine(result.errors) ?? "docker failed with \(result.exit)"))
            }
            return finish(NodeOutcome(name, .done, force ? "the manager left" : "left"))
        } catch { return finish(NodeOutcome(name, failed: error)) }
    }
}
