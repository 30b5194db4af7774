import ArgumentParser
import Diagnostics
import Fleet
import Recipes

struct RedoCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "redo",
        abstract: "Mark nodes' cards to be written again by the next batch.",
        discussion: """
            For a card that was lost, or broke. The next `piflash batch` writes it whole,
            whatever is on the card that it finds.

            EXAMPLES
              piflash redo red03 recipes/red
              piflash redo 'red[00-04]' red11 recipes/red
            """)

    @Argument(help: ArgumentHelp("Names of nodes, and last the rack.", valueName: "node ... rack"))
    var words: [String]

    func validate() throws {
        guard words.count >= 2 else { throw ValidationError("which nodes of which rack? piflash redo NODE... RACK") }
    }

    func run(in context: CommandContext) async throws {
        let nodes = try context.loader(requireImage: false).loadRack([words[words.count - 1]]).nodes
        var chosen: [Node] = []
        for word in words.dropLast() {
            for name in try names(word) {
                guard let node = nodes.first(where: { $0.hostname.value == name }) else {
                    let near = nearest(to: name, among: nodes.map(\.hostname.value)).map {
                        " (did you mean \"\($0)\"?)"
                    }
                    let place = words[words.count - 1]
                    throw Failure(
                        .usage, severity: .usage,
                        "there is no node \"\(name)\" in \(place)\(near ?? "")")
                }
                chosen.append(node)
            }
        }
        try Batch.redo(chosen, user: context.user, now: context.now(), since: context.nowText)
        for node in chosen { context.console.output("\(node.hostname.value): is written again by the next batch") }
    }

    private func names(_ list: String) throws(Failure) -> [String] {
        do { return try Hostlist.expand(list) } catch {
            throw Failure(.usage, severity: .usage, "\"\(list)\": \(error.text)")
        }
    }
}
