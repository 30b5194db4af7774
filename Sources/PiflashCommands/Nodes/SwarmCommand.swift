import ArgumentParser
import Diagnostics
import Fleet
import Foundation
import Recipes
import SystemPackage

struct SwarmCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swarm",
        abstract: "Look after the swarm that recipes describe.",
        discussion: """
            The first of the recipes' managers that answers over ssh is asked.

            EXAMPLES
              piflash swarm ls recipes/red
              piflash swarm deploy web -c web.yml recipes/red
            """,
        subcommands: [
            SwarmListCommand.self, SwarmTokenCommand.self, SwarmDeployCommand.self, SwarmKillCommand.self,
            SwarmConfigCommand.self,
        ])
}

struct SwarmListCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the swarm's nodes, and the recipes' nodes that are missing.",
        discussion: """
            Exits with 4 when a node of the recipes is missing or not ready.

            EXAMPLES
              piflash swarm ls recipes/red
            """)

    @OptionGroup var remote: RemoteOptions

    func run(in context: CommandContext) async throws {
        let nodes = try remote.nodes(in: context)
        let rows = try await remote.connected(in: context) { ssh in
            try await SwarmOperations(ssh: ssh, nodes: nodes, jobs: remote.jobs).list()
        }
        if remote.json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
            context.console.output(String(decoding: try encoder.encode(rows.map(\.fields)), as: UTF8.self))
        } else {
            context.console.output(
                TextTable.columns(
                    ["NODE", "ROLE", "STATE", "AVAILABILITY", "ENGINE", "REMARK"], rows.map(\.columns)))
        }
        let ready = Set(rows.filter { $0.member?.state == "ready" }.map(\.name))
        let missing = Set(rows.filter { $0.wantedRole != nil }.map(\.name)).subtracting(ready).sorted()
        guard missing.isEmpty else {
            throw Failure(
                .remote, severity: .someCardsFailed, "missing or not ready: \(missing.joined(separator: ", "))",
                hint: "what such a node is at stands in piflash/status.txt on its boot partition")
        }
    }
}

extension SwarmOperations.Row {
    fileprivate var remark: String {
        guard let member else { return "in no swarm" }
        var words: [String] = []
        if member.isLeader { words.append("leader") }
        if let reachability = member.reachability, reachability != "reachable" { words.append(reachability) }
        if let wantedRole {
            if member.role != wantedRole.rawValue { words.append("the recipe wants a \(wantedRole.rawValue)") }
        } else {
            words.append("of no recipe")
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

struct SwarmTokenCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Print the token that new nodes join with.",
        discussion: """
            The token goes to standard output and nowhere else. --rotate makes a new one;
            the old one is then worth nothing, members stay.

            EXAMPLES
              piflash swarm token --rotate recipes/red
              export SWARM_TOKEN=$(piflash swarm token recipes/red)
            """)

    @OptionGroup var remote: RemoteOptions

    @Option(name: .long, help: "worker or manager.")
    var role: String = Node.Swarm.Role.worker.rawValue

    @Flag(name: .long, help: "Make a new token first.")
    var rotate = false

    func validate() throws {
        if Node.Swarm.Role(rawValue: role) == nil { throw ValidationError("--role is worker or manager") }
    }

    func run(in context: CommandContext) async throws {
        let nodes = try remote.nodes(in: context)
        let token = try await remote.connected(in: context) { ssh in
            try await SwarmOperations(ssh: ssh, nodes: nodes, jobs: remote.jobs).token(
                for: Node.Swarm.Role(rawValue: role) ?? .worker, rotate: rotate)
        }
        context.console.output(token)
    }
}

struct SwarmDeployCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy",
        abstract: "Deploy a stack from a compose file of this machine.",
        discussion: """
            The file goes over ssh to a manager; what it refers to by path must be there.

            EXAMPLES
              piflash swarm deploy web -c web.yml recipes/red
            """)

    @Argument(help: "The stack's name.")
    var stack: String

    @Option(name: [.short, .long], help: ArgumentHelp("The compose file.", valueName: "file"), completion: .file())
    var compose: String

    @OptionGroup var remote: RemoteOptions

    @Option(name: .long, help: ArgumentHelp("How long it may take.", valueName: "seconds"))
    var timeout = 300

    func validate() throws {
        if stack.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9_-]{0,62}/) == nil {
            throw ValidationError("\"\(stack)\" is no name of a stack")
        }
    }

    func run(in context: CommandContext) async throws {
        let nodes = try remote.nodes(in: context)
        guard let data = FileManager.default.contents(atPath: context.absolute(compose).string),
            let text = String(data: data, encoding: .utf8), !text.contains("\0")
        else { throw Failure(.usage, severity: .usage, "\(compose): cannot be read, or is no text") }
        let (manager, said) = try await remote.connected(in: context) { ssh in
            try await SwarmOperations(ssh: ssh, nodes: nodes, jobs: remote.jobs).deploy(
                stack, compose: text, limit: .seconds(timeout))
        }
        if !said.isEmpty { context.console.output(said) }
        context.console.note("\(stack): deployed by \(manager)")
    }
}

struct SwarmKillCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "Make every node leave its swarm.",
        discussion: """
            Workers leave first, then the managers; with the last of them the swarm and
            all its services are gone. Volumes and images stay on the nodes.

            EXAMPLES
              piflash swarm kill recipes/red
            """)

    @OptionGroup var remote: RemoteOptions

    @Flag(name: [.short, .long], help: "Do not ask.")
    var yes = false

    func run(in context: CommandContext) async throws {
        let nodes = try remote.nodes(in: context)
        let names = nodes.map(\.hostname.value).joined(separator: ", ")
        try Confirmation(console: context.console, yes: yes).ask(
            "\(names)\nleave their swarm, and all its services end", "make them leave", otherwise: "nothing was changed"
        )
        let renderer = NodeRenderer(console: context.console, json: remote.json, total: nodes.count)
        let (outcomes, strangers) = try await remote.connected(in: context) { ssh in
            await SwarmOperations(ssh: ssh, nodes: nodes, jobs: remote.jobs, events: renderer.render).dissolve()
        }
        renderer.close()
        if !strangers.isEmpty {
            context.console.note(
                "of no recipe, and still members of what is left: \(strangers.joined(separator: ", "))\n"
                    + "  hint: `docker swarm leave --force` there")
        }
        try renderer.summarize(outcomes)
        if !remote.json { context.console.note("no node of these recipes is in a swarm any more") }
    }
}
