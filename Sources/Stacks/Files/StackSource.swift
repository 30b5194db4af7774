import Text
package import Diagnostics
import Docker
import FoundationEssentials
import Host
package import Recipes
package import SystemPackage

/// A stack as it is on the workstation: its compose file, and the files that this one names.
package struct StackSource: Hashable, Sendable {
    /// In bytes, for a compose file.
    private static let limit = 1 << 20

    package let stack: Node.Swarm.Stack
    package let compose: [UInt8]
    /// In the order of their names.
    package let files: [StackFile]
    /// The compose file's values; nil if it is not YAML.
    let tree: RecipeValue?
    /// What is doubtful about the files.
    package let warnings: [Diagnostic]

    /// Reads the stack; what cannot be read is reported at its line of the recipe or of the compose file. Nil without a
    /// compose file.
    package init?(reading stack: Node.Swarm.Stack, _ report: inout DiagnosticReport) {
        let shown = Self.shown(FilePath(stack.compose.value), besides: stack.compose.location.file)
        self.init(reading: stack, shownAs: shown, &report)
    }

    private init?(reading stack: Node.Swarm.Stack, shownAs shown: String, _ report: inout DiagnosticReport) {
        let place = stack.compose.location
        let path = FilePath(stack.compose.value)
        self.stack = stack
        do throws(Failure) {
            guard let contents = try DurableFile.read(path, limit: Self.limit) else {
                report.error(at: place, "swarm.stacks.compose: there is no file \(path)")
                return nil
            }
            compose = contents
        } catch {
            report.error(at: place, "swarm.stacks.compose: \(error.message)")
            return nil
        }
        guard let text = String(validating: compose, as: UTF8.self), !text.contains("\0") else {
            report.error(
                at: Location(file: shown, line: 1, column: 1), "swarm.stacks.compose: the file is not UTF-8 text")
            return nil
        }
        tree = RecipeValue.parse(text, file: shown, as: "compose file", &report)
        var problems = ComposeProblems()
        var lines = DiagnosticReport()
        files = tree.map { Self.files(of: ComposeValue($0, isYAML11: nil), at: path, stack, &problems, &lines) } ?? []
        warnings = lines.warnings
        report.merge(problems.report)
        report.merge(DiagnosticReport(lines.errors))
    }

    /// Reads the stack of a compose file that no recipe names. Messages call it `shown`.
    package init?(
        _ name: String, compose path: FilePath, shownAs shown: String, environment: [String: String],
        _ report: inout DiagnosticReport
    ) {
        let place = Location(file: shown, line: 1, column: 1)
        let variables = environment.sorted { $0.key < $1.key }.map { name, value in
            Node.Swarm.Stack.Variable(name: Located(name, at: place), value: Secret(.literal(value), at: place))
        }
        self.init(
            reading: .init(
                name: Located(name, at: place), compose: Located(path.string, at: place), environment: variables),
            shownAs: shown, &report)
    }

    /// A stack whose files are in memory.
    package init(
        _ stack: Node.Swarm.Stack, compose: [UInt8], files: [StackFile] = [], _ report: inout DiagnosticReport
    ) {
        self.stack = stack
        self.compose = compose
        self.files = files
        tree = RecipeValue.parse(
            String(decoding: compose, as: UTF8.self), file: stack.compose.value, as: "compose file", &report)
        warnings = []
    }

    /// The path as the recipe's reader knows it: relative, if the recipe's own path is.
    private static func shown(_ path: FilePath, besides recipe: String) -> String {
        guard !recipe.begins(with: "/") else { return path.string }
        let current = FilePath(FileManager.default.currentDirectoryPath)
        var inside = path
        return inside.removePrefix(current) ? inside.string : path.string
    }

    /// The files that `docker stack deploy` reads itself, on the manager: those of variables, of configs and of secrets.
    private static func files(
        of file: ComposeValue, at path: FilePath, _ stack: Node.Swarm.Stack, _ problems: inout ComposeProblems,
        _ report: inout DiagnosticReport
    ) -> [StackFile] {
        let directory = path.removingLastComponent()
        let names = Set(stack.environment.map(\.name.value))
        var files: [String: StackFile] = [:]
        for named in ComposeFiles.named(by: file) where !named.path.begins(with: "/") {
            if ComposeVariables.has(named.path) {
                problems.error(at: named.location, named.key, "a file's name cannot hold a variable here: write it out")
                continue
            }
            do throws(StackFile.Problem) {
                let read = try StackFile(named.path, of: directory, use: named.use)
                files[read.path] = files[read.path]?.isSecret == true ? read.asSecret : read
                if named.use == .environment {
                    EnvironmentFile.validate(
                        read.contents, file: directory.pushing(FilePath(read.path)).string, names: names, &report)
                }
            } catch {
                problems.error(at: named.location, named.key, error.text)
            }
        }
        return files.values.sorted { $0.path < $1.path }
    }

    /// A path on the node that the compose file names, with its place and its key there.
    package struct NodePath: Hashable, Sendable {
        package let path: Located<String>
        package let key: String
    }

    /// The files that docker reads on the first manager and that are not carried, since their paths are absolute.
    package var absoluteFiles: [NodePath] {
        guard let file = tree.map({ ComposeValue($0, isYAML11: nil) }) else { return [] }
        return ComposeFiles.named(by: file).filter { $0.path.begins(with: "/") && !ComposeVariables.has($0.path) }.map {
            NodePath(path: Located($0.path, at: $0.location), key: $0.key)
        }
    }

    /// The paths that services mount from the nodes they run on.
    package var mounts: [NodePath] {
        guard let file = tree.map({ ComposeValue($0, isYAML11: nil) }) else { return [] }
        return MountRules.paths(in: file).map { NodePath(path: $0.path, key: "services.\($0.service).volumes") }
    }
}
