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
            Exits with 4 if a node of the recipes is missing or not ready.

            EXAMPLES
              piflash swarm ls recipes/red
            """)

    @OptionGroup var remote: RemoteOptions

    func run(in context: CommandContext) async throws {
        let nodes = try remote.nodes(in: context)
        let rows = try await remote.connected(in: context) { ssh in
            try await SwarmOperations(ssh: ssh, nodes: nodes, jobs: remote.jobs).list()
        }
        try context.console.answer(
            json: remote.json, rows.map(\.fields),
            or: TextTable.columns(
                ["NODE", "ROLE", "STATE", "AVAILABILITY", "ENGINE", "REMARK"], rows.map(\.columns)))
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
        guard let member else { return "not in a swarm" }
        var words: [String] = []
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

    fileprivate var fields: [String: String] {
        var fields = ["node": name, "state": member?.state ?? "missing"]
        fields["recipe_role"] = wantedRole?.rawValue
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
