package import Diagnostics
import SystemPackage

extension RecipeLoader {
    /// Reads all nodes of `paths`: files of one node or of many, and directories of them. Throws a `Failure` if there is no
    /// such file.
    package func reading(of paths: [String]) throws(Failure) -> RecipeReading {
        var all = RecipeReading()
        all.isRack = true
        var seen: Set<FilePath> = []
        for path in paths {
            // A file that is named, and lies in a directory that is also named, counts once.
            for file in try recipes(at: path) where seen.insert(absolute(file)).inserted {
                let one = nodes(at: file)
                if !one.report.hasErrors { all.members += one.members }
                all.docker += one.docker
                all.files += one.files
                all.swarms += one.swarms
                all.report.merge(one.report)
                all.isRack = all.isRack && one.isRack
            }
        }
        Rack.checkDuplicates(all.members.map(\.node), &all.report)
        if !all.report.hasErrors { complete(&all, from: all.isRack ? all.members : nil) }
        return all
    }

    /// The same; throws every mistake at once, as a `DiagnosticReport`.
    package func loadRack(_ paths: [String]) throws -> LoadedRack { try reading(of: paths).loaded() }

    /// Adds to the nodes of `reading` what they have to know of each other, and checks how they fit together. `all` are the
    /// rack's nodes, if they are known; otherwise the nodes of the recipes' directories also belong to it.
    func complete(_ reading: inout RecipeReading, from all: [LoadedRack.Member]?) {
        var nodes = (all ?? reading.members).map(\.node)
        if all == nil {
            let names = Set(nodes.map(\.hostname.value))
            nodes += peers(of: nodes).filter { !names.contains($0.hostname.value) }
        }
        let rack = Rack(nodes)
        for index in reading.members.indices {
            let node = reading.members[index].node
            rack.checkManagers(of: node, &reading.report)
            reading.members[index].node = rack.completing(node)
        }
    }

    /// The nodes of the directories in which the recipes of `nodes` lie. A recipe that is wrong or unfinished is not a
    /// mistake of theirs: its node is left out.
    private func peers(of nodes: [Node]) -> [Node] {
        let directories = Set(nodes.map { FilePath($0.recipePath).removingLastComponent() })
        let own = Set(nodes.map(\.recipePath))
        var peers: [Node] = []
        for directory in directories.sorted(by: { $0.string < $1.string }) {
            for file in (try? recipes(at: directory.string)) ?? [] where !own.contains(file) {
                let one = self.nodes(at: file, imageExists: { _ in true })
                if !one.report.hasErrors { peers += one.members.map(\.node) }
            }
        }
        return peers
    }
}
