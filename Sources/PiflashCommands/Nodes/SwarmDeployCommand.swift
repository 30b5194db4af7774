import ArgumentParser
import Diagnostics
import Remote
import Host
import Recipes
import SystemPackage

struct SwarmDeployCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy",
        abstract: "Deploy a stack from a compose file of this machine.",
        discussion: """
            The file goes over ssh to a manager; files that it names must exist there.

            EXAMPLES
              piflash swarm deploy web -c web.yml recipes/red
            """)

    @Argument(help: "The stack's name.")
    var stack: String

    @Option(name: [.short, .long], help: ArgumentHelp("The compose file.", valueName: "file"), completion: .file())
    var compose: String

    @OptionGroup var remote: RemoteOptions

    @Option(name: .long, help: ArgumentHelp("Time limit.", valueName: "seconds"))
    var timeout = 300

    func validate() throws {
        if stack.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9_-]{0,62}/) == nil {
            throw ValidationError("\"\(stack)\" is not a valid stack name")
        }
    }

    func run(in context: CommandContext) async throws {
        let nodes = try remote.nodes(in: context)
        guard let bytes = (try? DurableFile.read(context.absolute(compose))) ?? nil,
            let text = String(validating: bytes, as: UTF8.self), !text.contains("\0")
        else { throw Failure(.usage, severity: .usage, "\(compose): cannot be read, or is not text") }
        let (manager, said) = try await remote.connected(to: nodes, in: context) { ssh in
            try await SwarmOperations(ssh: ssh, nodes: nodes, jobs: remote.jobs).deploy(
                stack, compose: text, limit: .seconds(timeout))
        }
        if !said.isEmpty { context.console.output(said) }
        context.console.note("\(stack): deployed by \(manager)")
    }
}
