import Text
import Diagnostics
import Planning
import Racks
import Host
import Images
import Provisioning
import Recipes
import SystemPackage

/// The library's parts, set up for the command line.
extension CommandContext {
    private func loader(requireImage: Bool) -> RecipeLoader {
        RecipeLoader(user: user, workingDirectory: workingDirectory, requireImage: requireImage)
    }

    /// Reads and validates the nodes of recipe files and of directories of them.
    func loadRack(_ paths: [String], requireImage: Bool) throws -> LoadedRack {
        try RecipeValidation.validate(try loader(requireImage: requireImage).reading(of: paths))
    }

    /// Reads and validates one recipe, and shows its warnings, by `report` if that is given.
    func load(
        _ path: String, node: String? = nil, requireImage: Bool, report: ((DiagnosticReport) -> Void)? = nil
    ) throws -> LoadedRecipe {
        let loaded = try RecipeValidation.validateOne(loader(requireImage: requireImage).reading(of: path, node: node))
        (report ?? console.report)(DiagnosticReport(loaded.warnings))
        return loaded
    }

    /// Reads the secrets of a run from the environment, files, programs and the terminal.
    var secrets: SecretReader {
        let console = console
        return SecretReader(
            environment: environment, asksTwice: console.inputIsTerminal,
            announce: { console.note("piflash: \($0)") }
        ) { text in
            console.inputIsTerminal ? console.ask("\(text): ", echo: false) : nil
        }
    }

    /// Says which programs a write of `nodes` would run on this computer, for which keys.
    func notePrograms(of nodes: [Node]) {
        var seen: Set<String> = []
        for secret in nodes.flatMap(\.secrets) {
            guard let command = secret.command else { continue }
            let line = "a write runs `\(command)` for \(secret.path)"
            if seen.insert(line).inserted { console.note("piflash: \(line)") }
        }
    }

    func planner(reading secrets: any SecretReading) -> CardPlanner {
        CardPlanner(
            cache: ImageCache(directories: directories), secrets: secrets, version: PiflashVersion.current, now: now)
    }

    func chooser(for node: Node) -> CardChooser { chooser(for: [node]) }

    func chooser(for nodes: [Node]) -> CardChooser {
        var protected: [String] = []
        for node in nodes {
            protected.append(node.recipePath)
            if let source = node.image?.source.value, source.begins(with: "/") { protected.append(source) }
        }
        protected.append(directories.cache.string)
        var seen: Set<String> = []
        return CardChooser(protecting: protected.filter { seen.insert($0).inserted }.map { FilePath($0) })
    }
}
