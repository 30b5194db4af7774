import Text
import ArgumentParser
import Diagnostics
import Remote
import Recipes

struct RunCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a command on many nodes at once, over ssh.",
        usage: "piflash run [<options>] <recipes> ... -- <command> ...",
        discussion: """
            If there is one word after "--", it is a line for the node's shell. Several
            words are a program and its arguments. Shows the output of each node when
            its command ends, or with --stream line by line. The command gets no input.
            Ctrl-C and --timeout end ssh; the command on a node may continue.

            EXAMPLES
              piflash run recipes/red -- uptime
              piflash run recipes/red -- 'docker ps -q | wc -l'
              piflash run --sudo --stream recipes/red -- apt-get -y upgrade
            """)

    @OptionGroup var remote: RemoteOptions

    @Flag(name: .long, help: "Run it as root, with sudo and no password.")
    var sudo = false

    @Flag(name: .long, help: "Show each line at once, with the node's name.")
    var stream = false

    @Flag(name: .long, help: "On a terminal, too, print what the nodes send unchanged.")
    var raw = false

    @Option(name: .long, help: ArgumentHelp("Time limit for each node.", valueName: "seconds"))
    var timeout = 600

    @Option(name: .customLong(Self.wordOption), parsing: .unconditionalSingleValue, help: .hidden)
    var command: [String] = []

    private static let wordOption = "command-word"

    /// The parser does not accept two lists, even with "--" between them: what follows it is passed as options.
    static func rewritten(_ arguments: [String]) -> [String] {
        guard arguments.first == configuration.commandName, let end = arguments.firstIndex(where: { $0 == "--" }) else {
            return arguments
        }
        return arguments[..<end] + arguments[(end + 1)...].flatMap { ["--\(wordOption)", $0] }
    }

    func validate() throws {
        if command.isEmpty { throw ValidationError("no command given: piflash run RECIPES -- COMMAND") }
        guard timeout >= 1 else { throw ValidationError("--timeout must be at least 1 second") }
    }

    func run(in context: CommandContext) async throws {
        let nodes = try remote.nodes(in: context)
        try await remote.work(on: nodes, in: context, output: stream ? .stream : .grouped, unchanged: raw) {
            ssh, renderer in
            await CommandRound(ssh: ssh, jobs: remote.jobs, limit: .seconds(timeout), events: renderer.render)
                .run(command, on: nodes, as: sudo ? .root : .user)
        }
    }
}
