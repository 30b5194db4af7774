import Diagnostics
import Fleet
import Host
import Images
import Provisioning
import Recipes
import SystemPackage

/// The library's parts, as the command line sets them up.
extension CommandContext {
    func loader(requireImage: Bool) -> RecipeLoader {
        RecipeLoader(
            user: user, workingDirectory: workingDirectory, requireImage: requireImage,
            judge: DaemonConfiguration.errors)
    }

    /// Reads one recipe and shows its warnings.
    func load(_ path: String, node: String? = nil, requireImage: Bool) throws -> LoadedRecipe {
        let loaded = try loader(requireImage: requireImage).load(path, node: node)
        console.report(DiagnosticReport(loaded.warnings))
        return loaded
    }

    /// The secrets of a run, from the environment, files, programs and the terminal.
    var secrets: SecretReader {
        let console = console
        return SecretReader(environment: environment) { text in
            console.inputIsTerminal ? console.ask("\(text): ", echo: false) : nil
        }
    }

    func planner(reading secrets: any SecretReading) -> CardPlanner {
        CardPlanner(
            user: user, cache: ImageCache(directories: directories), secrets: secrets, version: PiflashCommand.version,
            now: now)
    }

    func chooser(for node: Node) -> CardChooser { chooser(for: [node]) }

    func chooser(for nodes: [Node]) -> CardChooser {
        var protected: [String] = []
        for node in nodes {
            protected.append(node.recipePath)
            if let source = node.image?.source.value, source.hasPrefix("/") { protected.append(source) }
        }
        protected.append(directories.cache.string)
        var seen: Set<String> = []
        return CardChooser(user: user, protecting: protected.filter { seen.insert($0).inserted }.map { FilePath($0) })
    }
}
