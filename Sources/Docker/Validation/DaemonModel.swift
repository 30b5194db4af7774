import Diagnostics
package import Text

/// dockerd as its configuration meets it: what a version refuses, and what it accepts and then ignores.
package struct DaemonModel: Sendable {
    /// Nil if it is not known: then only what is wrong for every plausible version is found.
    package var version: EngineVersion?
    /// Nil for what the packages' own services give dockerd.
    package var service: ServiceFlags?
    package var surroundings: DaemonSurroundings

    package init(
        version: EngineVersion?, service: ServiceFlags? = nil, surroundings: DaemonSurroundings = DaemonSurroundings()
    ) {
        self.version = version
        self.service = service
        self.surroundings = surroundings
    }

    /// What is wrong with the members of a daemon.json, or with the keys of a recipe.
    package func problems(in members: [JSONValue.Member]) -> [DaemonProblem] {
        problems(in: members, keepsWarnings: true)
    }

    /// The same without warnings, for a stage after which another one warns.
    package func errors(in members: [JSONValue.Member]) -> [DaemonProblem] {
        problems(in: members, keepsWarnings: false)
    }

    private struct Kind: Hashable {
        var member: Int?
        var severity: Diagnostic.Severity
    }

    private func problems(in members: [JSONValue.Member], keepsWarnings: Bool) -> [DaemonProblem] {
        func problems(_ version: EngineVersion) -> [DaemonProblem] {
            DaemonValidation(
                members, version: version, service: service ?? .packaged(version), surroundings: surroundings,
                keepsWarnings: keepsWarnings
            ).problems
        }
        if let version { return problems(version) }
        // The reasons may differ by version; the newest version's are reported.
        let all = EngineVersion.plausible.map(problems)
        let found = all.map { problems in Set(problems.map { Kind(member: $0.member, severity: $0.severity) }) }
        return (all.last ?? []).filter { problem in
            found.allSatisfy { $0.contains(Kind(member: problem.member, severity: problem.severity)) }
        }
    }
}
