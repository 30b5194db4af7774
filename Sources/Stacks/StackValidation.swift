import Text
package import Diagnostics
package import Docker
package import Recipes

/// Validates the stacks of a swarm as its first manager will deploy them: in their order, with one Docker.
package struct StackValidation {
    package private(set) var report = DiagnosticReport()
    /// Nil if it is not known: then only what every version of Docker refuses is an error.
    private let engine: EngineVersion?
    /// Whether the swarm holds only what its recipe says. One that exists may hold more.
    private let isNew: Bool
    /// The variables that the compose files use.
    package private(set) var variables: Set<String> = []

    /// - Parameter swarm: Its recipe's swarm; nil for one that exists, of which nothing is known.
    package init(_ sources: [StackSource], of swarm: Node.Swarm?, engine: EngineVersion?) {
        self.engine = engine
        isNew = swarm != nil
        var made = StackReferences.Made()
        for network in swarm?.networks ?? [] { made.networks[network.name.value] = "swarm.networks" }
        let isYAML11 = engine.map { $0 < ComposeFormat.yaml12Since }
        let files = sources.map { source in source.tree.map { ComposeValue($0, isYAML11: isYAML11) } }
        for (index, source) in sources.enumerated() {
            guard let file = files[index] else { continue }
            var later: [String: String] = [:]
            for (other, file) in zip(sources, files).dropFirst(index + 1) {
                guard let file else { continue }
                for (name, stack) in StackReferences.networks(of: file, stack: other.stack.name.value) {
                    later[name] = stack
                }
            }
            validate(file, source, &made, later)
        }
    }

    private mutating func validate(
        _ file: ComposeValue, _ source: StackSource, _ made: inout StackReferences.Made, _ later: [String: String]
    ) {
        var problems = ComposeProblems()
        let name = source.stack.name.value
        guard case .map = file.content else {
            problems.error(at: file.location, "", "a compose file is a map with services, this is \(file.kind)")
            return report.merge(problems.report)
        }
        let format = format(of: file, &problems)
        if (file["services"]?.entries ?? []).isEmpty {
            problems.error(
                at: file["services"]?.location ?? file.location, "services", "the file has no services to deploy")
        }
        if let format {
            var schema = SchemaValidation(format: format, problems)
            schema.validate(file, ComposeSchema.file, "")
            problems = schema.problems
        }
        var variables = ComposeVariables(
            names: Set(source.stack.environment.map(\.name.value)),
            advice: isNew ? "give it a value in swarm.stacks.environment" : "set it in the environment of this command",
            problems)
        variables.validate(file)
        self.variables.formUnion(variables.used)
        problems = variables.problems
        var services = ServiceRules(stack: name, problems)
        for service in file["services"]?.entries ?? [] { services.validate(service) }
        var mounts = MountRules(services.problems)
        for service in file["services"]?.entries ?? [] { mounts.validate(service) }
        var references = StackReferences(
            stack: name, made: made, later: later, isComplete: isNew, mounts.problems)
        references.validate(file)
        made = references.made
        report.merge(references.problems.report)
        for variable in source.stack.environment where isNew && !variables.used.contains(variable.name.value) {
            report.warning(
                at: variable.name.location,
                "swarm.stacks.environment: the compose file of \(name) does not use \(variable.name.value)")
        }
    }

    /// The file's format 3.N; nil, and reported, if `docker stack deploy` does not take it.
    private func format(of file: ComposeValue, _ problems: inout ComposeProblems) -> Int? {
        let newest = engine.map { ComposeFormat.newest(for: $0) } ?? ComposeFormat.newest
        guard let newest else {
            problems.error(
                at: file.location, "",
                "Docker \(engine?.description ?? "") cannot deploy stacks, which came with 1.13; take a newer image")
            return nil
        }
        let advice = "write version: \"3.\(min(newest, 9))\""
        guard let version = file["version"] else {
            if let engine, engine < ComposeFormat.optionalSince {
                problems.error(
                    at: file.location, "version",
                    "missing, and Docker \(engine) deploys no file without it (from 23.0 on it may be left out): \(advice)"
                )
                return nil
            }
            return newest
        }
        let text = version.text ?? ""
        guard case .text = version.content else {
            problems.error(at: version.location, "version", "\(text) must be in quotes: version: \"\(text)\"")
            return nil
        }
        if text.isEmpty || text == "3" {
            return engine.map { $0 < ComposeFormat.optionalSince } == true ? 0 : newest
        }
        let parts = text.split(at: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "3", let minor = Int(parts[1]), minor <= ComposeFormat.newest,
            "3.\(minor)" == text
        else {
            problems.error(
                at: version.location, "version", "docker stack deploy does not take the format \"\(text)\": \(advice)")
            return nil
        }
        if minor > newest, let engine {
            problems.error(
                at: version.location, "version",
                "Docker \(engine) knows the format only up to 3.\(newest): \(advice)")
            return nil
        }
        return minor
    }
}
