import ArgumentParser
import Diagnostics
import Fleet
import Recipes

struct RunCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a command on many nodes at once, over ssh.",
        usage: "piflash run [<options>] <recipes> ... -- <command> ...",
        discussion: """
            One word after "--" is a line for the node's shell; several are a program
            and its arguments, each passed as it is. Output is shown together for each
            node, or with --stream line by line as it comes. The command has no input.
            Ctrl-C, and --timeout, end ssh; a command on a node may run on.

            EXAMPLES
              piflash run recipes/red -- uptime
              piflash run recipes/red -- 'docker ps -q | wc -l'
              piflash run --sudo --stream recipes/red -- apt-get -y upgrade
            """)

    @OptionGroup var remote: RemoteOptions

    @Flag(name: .long, help: "Run it as root, by sudo without a password.")
    var sudo = false

    @Flag(name: .long, help: "Show each line as it comes, with the node's name.")
    var stream = false

    @Option(name: .long, help: ArgumentHelp("How long it may take on a node.", valueName: "seconds"))
    var timeout = 600

    @Option(name: .customLong(Self.wordOption), parsing: .unconditionalSingleValue, help: .hidden)
    var command: [String] = []

    private static let wordOption = "command-word"

    /// The parser takes no two lists in a row, not even with "--" between them: what follows it travels as options.
    static func rewritten(_ arguments: [String]) -> [String] {
        guard arguments.first == configuration.commandName, let end = arguments.firstIndex(of: "--") else {
            return arguments
        }
        return arguments[..<end] + arguments[(end + 1)...].flatMap { ["--\(wordOption)", $0] }
    }

    func validate() throws {
        if command.isEmpty { throw ValidationError("what is to be run? piflash run RECIPES -- COMMAND") }
        guard timeout >= 1 else { throw ValidationError("--timeout is at least a second") }
    }

    func run(in context: CommandContext) async throws {
        let nodes = try remote.nodes(in: context)
        let renderer = NodeRenderer(
            console: context.console, json: remote.json, total: nodes.count, output: stream ? .stream : .grouped)
        let outcomes = try await remote.connected(in: context) { ssh in
            await CommandRound(ssh: ssh, jobs: remote.jobs, limit: .seconds(timeout), events: renderer.render)
                .run(command, on: nodes, as: sudo ? .root : .user)
        }
        try renderer.summarize(outcomes)
    }
}
