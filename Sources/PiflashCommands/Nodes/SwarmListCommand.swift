import ArgumentParser
import Diagnostics
import Remote
import Systems
import Recipes

struct SwarmListCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the swarm's nodes, and the recipes' nodes that are missing.",
        discussion: """
            Asks each node of the recipes that is not ready which swarm it is in, and
            says so: in none, in another one, still joining, or no answer. Exits with 4
            if a node of the recipes is missing or not ready.

            EXAMPLES
              piflash swarm ls recipes/red
            """)

    @OptionGroup var remote: RemoteOptions

    func run(in context: CommandContext) async throws {
        let nodes = try remote.nodes(in: context)
        let (manager, rows) = try await remote.connected(to: nodes, in: context) { ssh in
            try await SwarmOperations(ssh: ssh, nodes: nodes, jobs: remote.jobs).list()
        }
        try context.console.answer(
            json: remote.json, rows.map { $0.fields(asking: manager) },
            or: TextTable.columns(
                ["NODE", "ROLE", "STATE", "AVAILABILITY", "ENGINE", "REMARK"], rows.map(\.columns)))
        if !remote.json {
            var noted: Set<String> = []
            for row in rows where noted.insert(row.name).inserted {
                if let hint = row.absence?.hint(asking: manager) { context.console.note("\(row.name): \(hint)") }
            }
        }
        let ready = Set(rows.filter { $0.member?.state == "ready" }.map(\.name))
        let missing = Set(rows.filter { $0.wantedRole != nil }.map(\.name)).subtracting(ready).sorted()
        guard missing.isEmpty else {
            throw Failure(
                .remote, severity: .someCardsFailed, "missing or not ready: \(missing.joined(separator: ", "))",
                hint: "see \(BootPath.status) on that node's boot partition")
        }
    }
}

extension SwarmOperations.Row {
    fileprivate var remark: String {
        var words: [String] = []
        if let absence { words.append(absence.remark) }
        guard let member else { return words.joined(separator: ", ") }
        if member.isLeader { words.append("leader") }
        if let reachability = member.reachability, reachability != "reachable" { words.append(reachability) }
        if let wantedRole {
            if member.role != wantedRole.rawValue { words.append("the recipe wants a \(wantedRole.rawValue)") }
        } else {
            words.append("not in a recipe")
        }
        return words.joined(separator: ", ")
    }

    fileprivate var columns: [String] {
        [
            name, member?.role ?? wantedRole?.rawValue ?? "", member?.state ?? "missing", member?.availability ?? "-",
            member?.engine ?? "-", remark,
        ]
    }

    fileprivate func fields(asking manager: String) -> [String: String] {
        var fields = ["node": name, "state": member?.state ?? "missing"]
        fields["recipe_role"] = wantedRole?.rawValue
        fields["absence"] = absence?.word
        fields["message"] = absence?.remark
        fields["hint"] = absence?.hint(asking: manager)
        if case .anotherSwarm(let managers) = absence, !managers.isEmpty {
            fields["swarm_managers"] = managers.joined(separator: " ")
        }
        if let member {
            fields["id"] = member.id
            fields["role"] = member.role
            fields["availability"] = member.availability
            fields["engine"] = member.engine
            fields["address"] = member.address
            fields["manager_status"] = member.isLeader ? "leader" : member.reachability
        }
        return fields
    }
}

extension SwarmAbsence {
    /// For programs (docs/events.md).
    fileprivate var word: String {
        switch self {
        case .noAnswer: "no-answer"
        case .noEngine: "no-engine"
        case .outside(let state): state
        case .anotherSwarm: "another-swarm"
        case .removed: "removed"
        case .listed: "other-name"
        case .notReady: "not-ready"
        }
    }

    fileprivate var remark: String {
        switch self {
        // Several lines from ssh go into one cell.
        case .noAnswer(let message, _): message.split(whereSeparator: \.isNewline).joined(separator: " ")
        case .noEngine: "Docker does not answer there"
        case .outside("inactive"): "not in a swarm"
        case .outside("pending"): "joining a swarm"
        case .outside("locked"): "its swarm is locked"
        case .outside("error"): "its engine failed to join a swarm"
        case .outside(let state): "its engine reports \(state)"
        case .anotherSwarm(let managers):
            "belongs to another swarm" + (managers.isEmpty ? "" : " (managers: \(managers.joined(separator: " ")))")
        case .removed: "was removed from this swarm"
        case .listed(let name): "is in this swarm as \(name)"
        case .notReady: "its engine runs, but the managers do not reach it"
        }
    }

    /// The next step, if there is one to take on the workstation or on the node. `manager` is the one that was asked.
    fileprivate func hint(asking manager: String) -> String? {
        switch self {
        case .noAnswer(_, let hint): hint
        case .outside("locked"): "run `docker swarm unlock` there"
        case .anotherSwarm, .removed:
            "to move it to the swarm of \(manager), run `docker swarm leave --force` there and write its card again"
        case .noEngine, .outside, .listed, .notReady: nil
        }
    }
}
