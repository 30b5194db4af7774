import ArgumentParser
import Diagnostics
import Remote
import Recipes

struct SwarmKillCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "Make every node leave its swarm.",
        discussion: """
            Workers leave first, then the managers. When the last manager leaves, the
            swarm and all its services end. Volumes and images stay on the nodes.

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
        let (outcomes, strangers) = try await remote.connected(to: nodes, in: context) { ssh in
            await SwarmOperations(ssh: ssh, nodes: nodes, jobs: remote.jobs, events: renderer.render).dissolve()
        }
        renderer.close()
        if !strangers.isEmpty {
            context.console.note(
                "not in the recipes, and still members of the swarm: \(strangers.joined(separator: ", "))\n"
                    + "  hint: run `docker swarm leave --force` there")
        }
        try renderer.summarize(outcomes)
        renderer.note("no node of these recipes is in a swarm now")
    }
}
