import Diagnostics
import FoundationEssentials
import SystemPackage

extension RecipeLoader {
    /// Reads all nodes that `paths` mean: files of one node or of many, and directories of them. Throws every mistake at
    /// once, a `DiagnosticReport`, or a `Failure` when there is no such file.
    package func loadRack(_ paths: [String]) throws -> LoadedRack {
        var report = DiagnosticReport()
        var members: [LoadedRack.Member] = []
        var isRackOnly = true
        var seen: Set<FilePath> = []
        for path in paths {
            // One that is named and lies in a directory that is named, too, is meant once.
            for file in try recipes(at: path) where seen.insert(absolute(file)).inserted {
                do throws(DiagnosticReport) {
                    let loaded = try self.members(at: file)
                    members += loaded.members
                    isRackOnly = isRackOnly && loaded.isRack
                    report.merge(DiagnosticReport(loaded.warnings))
                } catch {
                    report.merge(error)
                }
            }
        }
        Rack.checkDuplicates(members.map(\.node), &report)
        guard !report.hasErrors else { throw report.unrepeated }
        return try completed(members, warnings: report.warnings, of: isRackOnly ? members : nil)
    }

    /// `members` with what they have to know of each other. `all` are the rack's nodes, where that is known; else those
    /// of the directories in which the recipes lie belong to it, too.
    func completed(
        _ members: [LoadedRack.Member], warnings: [Diagnostic], of all: [LoadedRack.Member]?
    ) throws(DiagnosticReport) -> LoadedRack {
        var report = DiagnosticReport(warnings)
        var nodes = (all ?? members).map(\.node)
        if all == nil {
            let names = Set(nodes.map(\.hostname.value))
            nodes += peers(of: nodes).filter { !names.contains($0.hostname.value) }
        }
        let rack = Rack(nodes)
        var completed: [LoadedRack.Member] = []
        for member in members {
            var member = member
            rack.checkManagers(of: member.node, &report)
            member.node = rack.completing(member.node)
            completed.append(member)
        }
        report = report.unrepeated
        guard !report.hasErrors else { throw report }
        return LoadedRack(members: completed, warnings: report.warnings)
    }

    /// The nodes of the directories in which the recipes of `nodes` lie. A recipe that is wrong or unfinished is no
    /// mistake of theirs: its node is left out.
    private func peers(of nodes: [Node]) -> [Node] {
        let directories = Set(nodes.map { FilePath($0.recipePath).removingLastComponent() })
        let own = Set(nodes.map(\.recipePath))
        var peers: [Node] = []
        for directory in directories.sorted(by: { $0.string < $1.string }) {
            for file in (try? recipes(at: directory.string)) ?? [] where !own.contains(file) {
                guard let loaded = try? members(at: file, imageExists: { _ in true }) else { continue }
                peers += loaded.members.map(\.node)
            }
        }
        return peers
    }
}
