package import Diagnostics

/// What recipes say, as far as they could be read, and all that is wrong with them.
package struct RecipeReading: Sendable {
    /// The nodes without a mistake. They know of each other only if there is no error at all.
    package internal(set) var members: [LoadedRack.Member] = []
    /// The docker sections, also those of recipes that have mistakes elsewhere.
    package internal(set) var docker: [Node.Docker] = []
    /// The files of the first boot, also those of recipes that have mistakes elsewhere.
    package internal(set) var files: [Node.FirstBoot.File] = []
    /// The swarm sections, likewise.
    package internal(set) var swarms: [Node.Swarm] = []
    /// The next stage adds what it finds.
    package var report = DiagnosticReport()
    /// Whether one file describes the whole rack.
    var isRack = false

    /// The nodes; throws all mistakes at once if there is an error.
    package func loaded() throws(DiagnosticReport) -> LoadedRack {
        let report = report.unrepeated
        guard !report.hasErrors else { throw report }
        return LoadedRack(members: members, warnings: report.warnings)
    }

    /// The node of a reading that is about one; throws all mistakes at once if there is an error.
    package func loadedRecipe() throws(DiagnosticReport) -> LoadedRecipe {
        let rack = try loaded()
        guard let member = rack.members.first else { throw report }
        return LoadedRecipe(node: member.node, warnings: rack.warnings)
    }
}
