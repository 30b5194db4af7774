import Text
package import Diagnostics
import FoundationEssentials
package import Host
package import SystemPackage

/// Reads recipe files: parses, extends, decodes.
///
/// Reading never throws for a mistake in a recipe: a ``RecipeReading`` holds what could be read and everything that is
/// wrong, so that the next stage can add its own checks before all of it is reported at once.
package struct RecipeLoader: Sendable {
    private let user: InvokingUser
    private let workingDirectory: FilePath
    private let requireImage: Bool
    private let read: @Sendable (FilePath) -> [UInt8]?

    /// - Parameters:
    ///   - requireImage: Whether it is a mistake if an image does not exist.
    ///   - read: Returns a file's contents, or nil if it cannot be read.
    package init(
        user: InvokingUser, workingDirectory: FilePath, requireImage: Bool = true,
        read: @escaping @Sendable (FilePath) -> [UInt8]? = RecipeLoader.contents
    ) {
        self.user = user
        self.workingDirectory = workingDirectory
        self.requireImage = requireImage
        self.read = read
    }

    @Sendable package static func contents(of path: FilePath) -> [UInt8]? {
        (try? DurableFile.read(path)) ?? nil
    }

    /// Reads the recipe of one node at `path` (as the user typed it) and those that it extends. In a recipe of several
    /// nodes, `node` names the one that is meant. The other recipes of its directory are read for the names and addresses
    /// of the rack.
    package func reading(of path: String, node: String? = nil) -> RecipeReading {
        let all = nodes(at: path)
        guard !all.report.hasErrors else { return all }
        var chosen = all
        chosen.members = choose(node, among: all.members, at: path, &chosen.report).map { [$0] } ?? []
        guard !chosen.report.hasErrors else { return chosen }
        complete(&chosen, from: all.isRack ? all.members : nil)
        return chosen
    }

    /// The same; throws every mistake at once.
    package func load(_ path: String, node: String? = nil) throws(DiagnosticReport) -> LoadedRecipe {
        try reading(of: path, node: node).loadedRecipe()
    }

    private func choose(
        _ name: String?, among members: [LoadedRack.Member], at path: String, _ report: inout DiagnosticReport
    ) -> LoadedRack.Member? {
        let names = members.map(\.node.hostname.value)
        let start = Location(file: path, line: 1, column: 1)
        guard let name else {
            if members.count == 1 { return members[0] }
            let some = names.prefix(3).joined(separator: ", ")
            report.error(
                at: start, "this recipe has \(members.count) nodes: say which one with --node (\(some), …)")
            return nil
        }
        if let member = members.first(where: { $0.node.hostname.value == name }) { return member }
        let near = nearest(to: name, among: names).map { " (did you mean \"\($0)\"?)" } ?? ""
        report.error(at: start, "there is no node \"\(name)\" in this recipe\(near)")
        return nil
    }

    /// The nodes of one recipe file, each by itself: nothing is known yet of the rack.
    func nodes(at path: String) -> RecipeReading {
        nodes(at: path) { !requireImage || FileManager.default.fileExists(atPath: $0) }
    }

    func nodes(at path: String, imageExists: @escaping (String) -> Bool) -> RecipeReading {
        var reading = RecipeReading()
        let tree = assemble(path, chain: [], at: nil, &reading.report)
        guard let tree, !reading.report.hasErrors else { return reading }
        reading.isRack = RackExpansion.isRack(tree)
        let full = absolute(path)
        let name = reading.isRack ? full.stem : full.removingLastComponent().lastComponent?.string
        let expansion = RackExpansion(
            rackName: name ?? "rack", resolve: { resolve($0, namedIn: $1) }, read: read)
        let trees =
            reading.isRack
            ? expansion.members(of: tree, &reading.report) : [expansion.single(tree, &reading.report)]
        if trees.isEmpty, !reading.report.hasErrors {
            reading.report.error(at: tree.location, "nodes: the list is empty")
        }
        // Every node names the same files.
        var known: [String: Bool] = [:]
        for member in trees {
            var decoder = RecipeDecoder(
                recipePath: full, resolve: { resolve($0, namedIn: $1) },
                imageExists: { path in
                    if let answer = known[path] { return answer }
                    let answer = imageExists(path)
                    known[path] = answer
                    return answer
                })
            let node = decoder.node(from: member.tree)
            reading.report.merge(decoder.report)
            reading.docker += [decoder.docker].compactMap { $0 }
            reading.files += decoder.files
            reading.swarms += [decoder.swarm].compactMap { $0 }
            if let node { reading.members.append(.init(node: node, file: path, columns: member.columns)) }
        }
        reading.report = reading.report.unrepeated
        return reading
    }

    /// The recipes that a path means: the file itself, or the YAML files of a directory that no other file there extends, or
    /// names as the compose file of a stack.
    package func recipes(at path: String) throws(Failure) -> [String] {
        var isDirectory = false
        guard FileManager.default.fileExists(atPath: absolute(path).string, isDirectory: &isDirectory) else {
            throw Failure(.usage, severity: .usage, "there is no recipe \(path)")
        }
        guard isDirectory else { return [path] }
        let prefix = path.ends(with: "/") ? path : path + "/"
        let files = ((try? FileManager.default.contentsOfDirectory(atPath: absolute(path).string)) ?? [])
            .filter { ($0.ends(with: ".yaml") || $0.ends(with: ".yml")) && !$0.begins(with: ".") }.sorted().map {
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
        guard let text = String(validating: bytes, as: UTF8.self) else {
            report.error(at: Location(file: path, line: 1, column: 1), "the recipe is not UTF-8 text")
            return nil
        }
        guard var tree = RecipeValue.parse(text.withoutByteOrderMark, file: path, &report) else { return nil }
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
            if let problem = ValueRule.localPath.problem(with: text) {
                report.error(at: item.location, "extends: \(problem)")
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
