package import Diagnostics
import FoundationEssentials
package import Host
package import SystemPackage

/// A recipe that was read without a mistake, and what is worth saying about it all the same.
package struct LoadedRecipe: Sendable {
    package let node: Node
    package let warnings: [Diagnostic]
}

/// Reads recipe files: parses, extends, checks.
package struct RecipeLoader: Sendable {
    private let user: InvokingUser
    private let workingDirectory: FilePath
    private let requireImage: Bool
    private let judge: @Sendable (Node.Docker) -> DiagnosticReport
    private let read: @Sendable (FilePath) -> [UInt8]?

    /// - Parameters:
    ///   - requireImage: Whether an image that is not there is a mistake.
    ///   - read: Gives a file's contents, or nil when it cannot be read.
    ///   - judge: What is wrong with a docker section whatever the engine's version: the model of dockerd stands above
    ///     this module. What it finds is reported with everything else.
    package init(
        user: InvokingUser, workingDirectory: FilePath, requireImage: Bool = true,
        read: @escaping @Sendable (FilePath) -> [UInt8]? = RecipeLoader.contents,
        judge: @escaping @Sendable (Node.Docker) -> DiagnosticReport = { _ in DiagnosticReport() }
    ) {
        self.user = user
        self.workingDirectory = workingDirectory
        self.requireImage = requireImage
        self.judge = judge
        self.read = read
    }

    @Sendable package static func contents(of path: FilePath) -> [UInt8]? {
        FileManager.default.contents(atPath: path.string).map(Array.init)
    }

    /// Reads the recipe of one node at `path` (as the user typed it) and those it extends; throws every mistake at once.
    /// In a recipe of several nodes, `node` names the one that is meant. The other recipes of its directory are looked at
    /// for the names and addresses of the rack.
    package func load(_ path: String, node: String? = nil) throws(DiagnosticReport) -> LoadedRecipe {
        let members = try members(at: path)
        let chosen = try choose(node, among: members.members, at: path)
        let loaded = try completed([chosen], warnings: members.warnings, of: members.isRack ? members.members : nil)
        return LoadedRecipe(node: loaded.members[0].node, warnings: loaded.warnings)
    }

    private func choose(
        _ name: String?, among members: [LoadedRack.Member], at path: String
    ) throws(DiagnosticReport) -> LoadedRack.Member {
        let names = members.map(\.node.hostname.value)
        func refuse(_ text: String) -> DiagnosticReport {
            DiagnosticReport([Diagnostic(.error, at: Location(file: path, line: 1, column: 1), text)])
        }
        guard let name else {
            guard members.count == 1 else {
                throw refuse(
                    "this recipe has \(members.count) nodes: say which one with --node (\(names.prefix(3).joined(separator: ", ")), …)"
                )
            }
            return members[0]
        }
        guard let member = members.first(where: { $0.node.hostname.value == name }) else {
            let near = nearest(to: name, among: names).map { " (did you mean \"\($0)\"?)" } ?? ""
            throw refuse("there is no node \"\(name)\" in this recipe\(near)")
        }
        return member
    }

    /// The nodes of one recipe file, each by itself: nothing is known yet of the rack.
    func members(at path: String) throws(DiagnosticReport) -> (
        members: [LoadedRack.Member], warnings: [Diagnostic], isRack: Bool
    ) {
        try members(at: path) { !requireImage || FileManager.default.fileExists(atPath: $0) }
    }

    func members(
        at path: String, imageExists: @escaping (String) -> Bool
    ) throws(DiagnosticReport) -> (members: [LoadedRack.Member], warnings: [Diagnostic], isRack: Bool) {
        var report = DiagnosticReport()
        let tree = assemble(path, chain: [], at: nil, &report)
        guard let tree, !report.hasErrors else { throw report }
        let isRack = RackExpansion.isRack(tree)
        let full = absolute(path)
        let name = isRack ? full.stem : full.removingLastComponent().lastComponent?.string
        let expansion = RackExpansion(
            rackName: name ?? "rack", resolve: { resolve($0, namedIn: $1) }, read: read)
        let trees = isRack ? expansion.members(of: tree, &report) : [expansion.single(tree, &report)]
        // Every node names the same files.
        var known: [String: Bool] = [:]
        var members: [LoadedRack.Member] = []
        for member in trees {
            var decoder = RecipeDecoder(
                recipePath: full, resolve: { resolve($0, namedIn: $1) },
                imageExists: { path in
                    if let answer = known[path] { return answer }
                    let answer = imageExists(path)
                    known[path] = answer
                    return answer
                }, judge: judge)
            let node = decoder.node(from: member.tree)
            report.merge(decoder.report)
            if let node { members.append(LoadedRack.Member(node: node, file: path, columns: member.columns)) }
        }
        report = report.unrepeated
        guard !members.isEmpty, !report.hasErrors else { throw report }
        return (members, report.warnings, isRack)
    }

    /// The recipes that a path means: the file itself, or a directory's YAML files that no other one there extends, or
    /// names as the compose file of a stack.
    package func recipes(at path: String) throws(Failure) -> [String] {
        var isDirectory = false
        guard FileManager.default.fileExists(atPath: absolute(path).string, isDirectory: &isDirectory) else {
            throw Failure(.usage, severity: .usage, "there is no recipe \(path)")
        }
        guard isDirectory else { return [path] }
        let prefix = path.hasSuffix("/") ? path : path + "/"
        let files = ((try? FileManager.default.contentsOfDirectory(atPath: absolute(path).string)) ?? [])
            .filter { ($0.hasSuffix(".yaml") || $0.hasSuffix(".yml")) && !$0.hasPrefix(".") }.sorted().map {
                prefix + $0
            }
        var named: Set<FilePath> = []
        for file in files {
            var ignored = DiagnosticReport()
            guard let bytes = read(absolute(file)),
                let tree = RecipeValue.parse(String(decoding: bytes, as: UTF8.self), file: file, &ignored)
            else { continue }
            for other in Self.extendedFiles(tree, &ignored).map(\.value) + Self.composeFiles(tree) {
                named.insert(FilePath(resolve(other, namedIn: file)))
            }
        }
        let nodes = files.filter { !named.contains(absolute($0)) }
        guard !nodes.isEmpty else {
            throw Failure(.usage, severity: .usage, "there are no recipes in \(path)", hint: "recipes end in .yaml")
        }
        return nodes
    }

    // MARK: Assembling

    /// Reads a file and merges it over those it extends.
    private func assemble(
        _ path: String, chain: [FilePath], at place: Location?, _ report: inout DiagnosticReport
    ) -> RecipeValue? {
        let full = absolute(path)
        guard !chain.contains(full) else {
            report.error(
                at: place,
                "extends: the recipes extend each other in a circle: "
                    + (chain + [full]).compactMap { $0.lastComponent?.string }.joined(separator: " → "))
            return nil
        }
        guard let bytes = read(full) else {
            report.error(at: place ?? Location(file: path, line: 1, column: 1), "\(path): cannot be read")
            return nil
        }
        guard var text = String(validating: bytes, as: UTF8.self) else {
            report.error(at: Location(file: path, line: 1, column: 1), "the recipe is not UTF-8 text")
            return nil
        }
        if text.hasPrefix("\u{FEFF}") { text.removeFirst() }
        guard var tree = RecipeValue.parse(text, file: path, &report) else { return nil }
        guard case .mapping(let entries) = tree.content else {
            report.error(at: tree.location, "a recipe is a map of keys, this is \(tree.kind)")
            return nil
        }
        let bases = Self.extendedFiles(tree, &report)
        tree.content = .mapping(entries.filter { $0.key.value != "extends" })
        var below: RecipeValue?
        for base in bases {
            let shown = shownPath(base.value, namedIn: path)
            guard let next = assemble(shown, chain: chain + [full], at: base.location, &report) else { return nil }
            below = below.map { RecipeValue.merge($0, next, &report) } ?? next
        }
        // Without anything below, "+key" is the same as "key".
        let empty = RecipeValue(content: .mapping([]), tag: nil, location: tree.location)
        return RecipeValue.merge(below ?? empty, tree, &report)
    }

    private static func extendedFiles(_ tree: RecipeValue, _ report: inout DiagnosticReport) -> [Located<String>] {
        guard case .mapping(let entries) = tree.content,
            let value = entries.first(where: { $0.key.value == "extends" })?.value
        else { return [] }
        let items = if case .sequence(let list) = value.content { list } else { [value] }
        return items.compactMap { item in
            guard case .scalar(let text, _) = item.content, !text.isEmpty, item.tag == nil else {
                report.error(at: item.location, "extends: expected the path of a recipe, this is \(item.kind)")
                return nil
            }
            return Located(text, at: item.location)
        }
    }

    private static func composeFiles(_ tree: RecipeValue) -> [String] {
        func value(_ key: String, of tree: RecipeValue?) -> RecipeValue? {
            guard case .mapping(let entries)? = tree?.content else { return nil }
            return entries.first { [key, "+\(key)"].contains($0.key.value) }?.value
        }
        guard case .sequence(let stacks)? = value("stacks", of: value("swarm", of: tree))?.content else { return [] }
        return stacks.compactMap { stack in
            guard case .scalar(let text, _)? = value("compose", of: stack)?.content, !text.isEmpty else { return nil }
            return text
        }
    }

    // MARK: Paths

    func absolute(_ path: String) -> FilePath {
        workingDirectory.pushing(FilePath(path)).lexicallyNormalized()
    }

    /// A path in a recipe, relative to the file that names it, made absolute.
    private func resolve(_ path: String, namedIn file: String) -> String {
        let expanded = user.expandingTilde(path)
        return absolute(file).removingLastComponent().pushing(FilePath(expanded)).lexicallyNormalized().string
    }

    /// The same for messages: relative where the user named the first file relatively.
    private func shownPath(_ path: String, namedIn file: String) -> String {
        let expanded = user.expandingTilde(path)
        return FilePath(file).removingLastComponent().pushing(FilePath(expanded)).lexicallyNormalized().string
    }
}
