import ArgumentParser
import Diagnostics
import Provisioning
import Racks
import Recipes
import Remote

struct SwarmOpenCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Let new cards into a rack's swarm.",
        discussion: """
            Gives the running managers the list of the recipes' nodes (their keys, roles
            and labels) and opens their token services. Run it after you add a node,
            change its labels, or list a stolen card. The services close by themselves
            when all nodes of the list are in the swarm. See docs/swarm.md.

            EXAMPLES
              piflash swarm open recipes/red
            """)

    @OptionGroup var remote: RemoteOptions

    func run(in context: CommandContext) async throws {
        let managers = try remote.nodes(in: context).filter { $0.swarm?.isFormed == true && $0.swarm?.role == .manager }
        guard !managers.isEmpty else {
            throw Failure(
                .usage, severity: .usage, "the recipes name no manager of a swarm that the rack forms",
                hint: "a swarm with swarm.token has no token services")
        }
        let prepared = try managers.map { node in
            let keys = try RackState(of: node).swarmKeys(for: node)
            return (node: node, files: TokenService.files(for: node, keys: keys))
        }
        try await remote.work(on: managers, in: context) { ssh, renderer in
            await TokenServiceRound(ssh: ssh, jobs: remote.jobs, events: renderer.render).open(prepared)
        }
    }
}
