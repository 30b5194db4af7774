import ArgumentParser
import Diagnostics
import Fleet
import Recipes
import SystemPackage

struct ContextCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "context",
        abstract: "Give your docker command the nodes of a rack.",
        discussion: """
            Writes a context for each node that docker.remote makes reachable, and
            prints the commands that import it. For docker.remote: tls also the
            client's certificate and key: who has them is root on every such node.

            Without --output the files go into .piflash/contexts beside the recipes.

            EXAMPLES
              piflash context recipes/red
              piflash context --output ~/red recipes/red/red01.yaml
            """)

    @Option(name: [.short, .long], help: ArgumentHelp("Write into this directory.", valueName: "directory"))
    var output: String?

    @Argument(help: "Recipe files, or directories of them.", completion: .file(extensions: ["yaml", "yml"]))
    var recipes: [String]

    func run(in context: CommandContext) async throws {
        let members = try context.loader(requireImage: false).loadRack(recipes).members
        // Of several, those that can be reached.
        let nodes = members.filter { member in
            members.count == 1 || ![nil, Node.Docker.Remote.none].contains(member.node.docker.remote?.value)
        }.map(\.node)
        guard !nodes.isEmpty else {
            throw Failure(
                .usage, severity: .usage, "no node of these recipes is reached from outside",
                hint: "write docker.remote: ssh, or tls")
        }
        let made = try DockerContexts(
            of: nodes, in: output.map(context.absolute), user: context.user, now: context.now())
        for item in made.contexts { context.console.output("docker context import \(item.node) \(item.file)") }
        if let bundle = made.bundle {
            context.console.note(
                "without a context: docker --tlsverify --tlscacert \(bundle)/ca.pem"
                    + " --tlscert \(bundle)/cert.pem --tlskey \(bundle)/key.pem -H HOST")
        }
    }
}
