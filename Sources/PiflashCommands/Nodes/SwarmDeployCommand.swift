import Text
import ArgumentParser
import Diagnostics
import Remote
import Host
import Recipes
import Stacks
import SystemPackage

struct SwarmDeployCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy",
        abstract: "Deploy a stack from a compose file of this machine.",
        discussion: """
            The file goes over ssh to a manager, with the configs, secrets and env_files
            that it names. It is validated before that. Its variables get their values
            from the environment of this command.

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
        guard (try? DurableFile.read(context.absolute(compose))) ?? nil != nil else {
            throw Failure(.usage, severity: .usage, "\(compose): cannot be read")
        }
        // Only these names can be a compose file's variables, and docker reads some of them itself.
        let environment = context.environment.filter { name, _ in
            name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil && name != "PATH" && !name.begins(with: "DOCKER_")
        }
        var report = DiagnosticReport()
        let source = StackSource(
            stack, compose: context.absolute(compose), shownAs: compose, environment: environment, &report)
        let validation = StackValidation([source].compactMap { $0 }, of: nil, engine: nil)
        report.merge(validation.report)
        guard let source, !report.hasErrors else { throw report }
        context.console.report(DiagnosticReport(report.warnings + source.warnings))
        let variables = environment.filter { validation.variables.contains($0.key) }
        let (manager, said) = try await remote.connected(to: nodes, in: context) { ssh in
            try await SwarmOperations(ssh: ssh, nodes: nodes, jobs: remote.jobs).deploy(
                source, variables: variables, limit: .seconds(timeout))
        }
        if !said.isEmpty { context.console.output(said) }
        context.console.note("\(stack): deployed by \(manager)")
    }
}
