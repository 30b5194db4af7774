import ArgumentParser
import Diagnostics
import Racks
import Recipes

struct RedoCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "redo",
        abstract: "Have the next batch write the cards of some nodes again.",
        discussion: """
            Use it for a card that is lost or broken. The next `piflash batch` writes the
            whole card, whatever is on it.

            EXAMPLES
              piflash redo red03 recipes/red
              piflash redo 'red[00-04]' red11 recipes/red
            """)

    @Argument(help: ArgumentHelp("The nodes' names, and last the rack.", valueName: "node ... rack"))
    var words: [String]

    func validate() throws {
        guard words.count >= 2 else { throw ValidationError("no nodes or no rack given: piflash redo NODE... RACK") }
    }

    func run(in context: CommandContext) async throws {
        let nodes = try context.loadRack([words[words.count - 1]], requireImage: false).nodes
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
        try Batch.redo(chosen, now: context.now(), since: context.nowText)
        for node in chosen { context.console.output("\(node.hostname.value): the next batch writes it again") }
    }

    private func names(_ list: String) throws(Failure) -> [String] {
        do { return try Hostlist.expand(list) } catch {
            throw Failure(.usage, severity: .usage, "\"\(list)\": \(error.text)")
        }
    }
}
