import ArgumentParser
import Remote
import Recipes

struct SwarmTokenCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Print the join token for new nodes.",
        discussion: """
            The token goes only to standard output. --rotate makes a new token; the old
            one is no longer valid. Members stay in the swarm.

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
        if Node.Swarm.Role(rawValue: role) == nil { throw ValidationError("--role must be worker or manager") }
    }

    func run(in context: CommandContext) async throws {
        let nodes = try remote.nodes(in: context)
        let token = try await remote.connected(to: nodes, in: context) { ssh in
            try await SwarmOperations(ssh: ssh, nodes: nodes, jobs: remote.jobs).token(
                for: Node.Swarm.Role(rawValue: role) ?? .worker, rotate: rotate)
        }
        context.console.output(token)
    }
}
