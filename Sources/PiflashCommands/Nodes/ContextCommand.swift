import ArgumentParser
import Diagnostics
import Images
import Planning
import Provisioning
import Racks
import Recipes
import SystemPackage
import Systems
import Text

struct ContextCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "context",
        abstract: "Make docker contexts for the nodes of a rack.",
        discussion: """
            Writes a context file for each node that has docker.remote, and prints the
            commands that import them. With docker.remote: tls, also writes the client's
            certificate and key. Anyone who has the key is root on all these nodes.

            Without --output, the files go to .piflash/contexts beside the recipes.

            EXAMPLES
              piflash context recipes/red
              piflash context --output ~/red recipes/red/red01.yaml
            """)

    @Option(name: [.short, .long], help: ArgumentHelp("Write to this directory.", valueName: "directory"))
    var output: String?

    @Argument(help: "Recipe files, or directories of them.", completion: .file(extensions: ["yaml", "yml"]))
    var recipes: [String]

    func run(in context: CommandContext) async throws {
        let members = try context.loadRack(recipes, requireImage: false).members
        // Of several nodes, only those that can be reached.
        let nodes = members.filter { member in
            members.count == 1 || ![nil, Node.Docker.Remote.none].contains(member.node.docker.remote?.value)
        }.map(\.node)
        guard !nodes.isEmpty else {
            throw Failure(
                .usage, severity: .usage, "no node of these recipes has docker.remote",
                hint: "set docker.remote to ssh or tls")
        }
        var names = context.localNames
        let made = try DockerContexts(
            of: nodes, in: output.map(context.absolute), now: context.now()
        ) { names.answer(for: $0) }
        context.report(names)
        for item in made.contexts {
            context.console.output("docker context import \(shellWord(item.node)) \(shellWord(item.file.string))")
        }
        for need in clientNeeds(nodes, in: context) { context.console.note(need) }
        if let bundle = made.bundle {
            context.console.note(
                "without a context: docker --tlsverify --tlscacert \(bundle)/ca.pem"
                    + " --tlscert \(bundle)/cert.pem --tlskey \(bundle)/key.pem -H HOST")
        }
    }

    /// What the nodes' engines need of the docker command here, as far as their images show it without being unpacked.
    private func clientNeeds(_ nodes: [Node], in context: CommandContext) -> [String] {
        let cache = ImageCache(directories: context.directories)
        var profiles: [String: OSProfile] = [:]
        var seen: Set<String> = []
        return nodes.compactMap { node in
            guard let source = node.image?.source.value else { return nil }
            if profiles[source] == nil {
                profiles[source] = InspectedImage(knownAt: FilePath(source), cache: cache)?.profile
            }
            guard let profile = profiles[source], let need = NodeEngine.clientNeeds(node, profile: profile),
                seen.insert(need).inserted
            else { return nil }
            return need
        }
    }
}
