import Diagnostics
import Docker
import Recipes

/// What the services of a stack refer to: networks, volumes, configs, secrets, which the same file defines or something
/// else has made.
struct StackReferences {
    /// What is in the swarm when a stack is deployed, by its full name, with what made it.
    struct Made {
        var networks: [String: String] = [:]
        var configs: [String: String] = [:]
        var secrets: [String: String] = [:]
        /// "80/tcp" with the service that publishes it.
        var ports: [String: String] = [:]
    }

    let stack: String
    private(set) var problems: ComposeProblems
    private(set) var made: Made
    /// The networks of stacks that are deployed later.
    let later: [String: String]
    /// Whether ``made`` is all that there is.
    let isComplete: Bool

    init(stack: String, made: Made, later: [String: String], isComplete: Bool, _ problems: ComposeProblems) {
        self.stack = stack
        self.made = made
        self.later = later
        self.isComplete = isComplete
        self.problems = problems
    }

    mutating func validate(_ file: ComposeValue) {
        for service in file["services"]?.entries ?? [] {
            let path = "services.\(service.key.value)"
            check(Self.names(service.value["networks"]), in: file["networks"], "network", path, known: ["default"])
            check(Self.sources(service.value["configs"]), in: file["configs"], "config", path)
            check(Self.sources(service.value["secrets"]), in: file["secrets"], "secret", path)
            let volumes = (service.value["volumes"]?.items ?? []).compactMap { ServiceVolume($0) }
            check(
                volumes.compactMap { $0.isBind ? nil : $0.source }, in: file["volumes"], "volume", path)
            publish(service.value["ports"]?.items ?? [], "\(path).ports", service.key.value)
        }
        checkConflicts(file)
        checkNetworks(file)
        checkFiles(file["configs"], "config", made: made.configs)
        checkFiles(file["secrets"], "secret", made: made.secrets)
        for (name, network) in Self.networks(of: file, stack: stack) { made.networks[name] = network }
        for entry in file["configs"]?.entries ?? [] where Self.external(entry) == nil {
            made.configs[entry.value["name"]?.text ?? "\(stack)_\(entry.key.value)"] = stack
        }
        for entry in file["secrets"]?.entries ?? [] where Self.external(entry) == nil {
            made.secrets[entry.value["name"]?.text ?? "\(stack)_\(entry.key.value)"] = stack
        }
    }

    /// The networks that a stack makes, by their names in the swarm.
    static func networks(of file: ComposeValue, stack: String) -> [(String, String)] {
        var networks = (file["networks"]?.entries ?? []).filter { external($0) == nil }.map { entry in
            (entry.value["name"]?.text ?? "\(stack)_\(entry.key.value)", stack)
        }
        let services = file["services"]?.entries ?? []
        if services.contains(where: { $0.value["networks"] == nil }) { networks.append(("\(stack)_default", stack)) }
        return networks
    }

    private mutating func check(
        _ names: [Located<String>], in section: ComposeValue?, _ what: String, _ path: String, known: Set<String> = []
    ) {
        let defined = Set((section?.entries ?? []).map(\.key.value)).union(known)
        for name in names where !defined.contains(name.value) && !ComposeVariables.has(name.value) {
            let near = nearest(to: name.value, among: defined.sorted()).map { "; did you mean \"\($0)\"?" } ?? ""
            problems.error(
                at: name.location, "\(path).\(what)s",
                "the file does not define the \(what) \"\(name.value)\" under \(what)s\(near)")
        }
    }

    private static func names(_ value: ComposeValue?) -> [Located<String>] {
        guard let value else { return [] }
        if !value.entries.isEmpty { return value.entries.map(\.key) }
        return value.items.compactMap { item in item.text.map { Located($0, at: item.location) } }
    }

    private static func sources(_ value: ComposeValue?) -> [Located<String>] {
        (value?.items ?? []).compactMap { item in
            (item.text ?? item["source"]?.text).map { Located($0, at: item.location) }
        }
    }

    /// docker/cli, cli/compose/loader: what is external has nothing that would make it.
    private mutating func checkConflicts(_ file: ComposeValue) {
        for section in ["networks", "volumes", "configs", "secrets"] {
            for entry in file[section]?.entries ?? [] {
                let path = "\(section).\(entry.key.value)"
                if Self.external(entry) != nil {
                    for key in section == "volumes" ? ["driver", "driver_opts", "labels"] : [] {
                        guard let other = entry.value[key] else { continue }
                        problems.error(
                            at: other.location, "\(path).\(key)", "an external volume has none: leave it out")
                    }
                    if let name = entry.value["name"], entry.value["external"]?["name"] != nil {
                        problems.error(
                            at: name.location, "\(path).name", "external.name says it already: leave one out")
                    }
                } else if let driver = entry.value["driver"], entry.value["file"]?.text != nil, section == "secrets" {
                    problems.error(at: driver.location, "\(path).driver", "the file gives the contents: leave one out")
                }
            }
        }
    }

    // MARK: What something else makes

    /// The name in the swarm of something that this stack does not make; nil if it makes it.
    static func external(_ entry: ComposeValue.Entry) -> String? {
        guard let external = entry.value["external"] else { return nil }
        if case .map = external.content {
            return external["name"]?.text ?? entry.value["name"]?.text ?? entry.key.value
        }
        return external.isTrue ? entry.value["name"]?.text ?? entry.key.value : nil
    }

    /// Networks that every node has (docker/cli: IsUserDefined), and those that Docker makes with the swarm.
    private static let builtIn: Set<String> = ["bridge", "host", "none", "default", "ingress"]

    private mutating func checkNetworks(_ file: ComposeValue) {
        for entry in file["networks"]?.entries ?? [] where isComplete {
            guard let name = Self.external(entry), !Self.builtIn.contains(name), !ComposeVariables.has(name),
                made.networks[name] == nil
            else { continue }
            let path = "networks.\(entry.key.value)"
            if let other = later[name] {
                problems.error(
                    at: entry.key.location, path,
                    "the stack \(other) makes the network \(name), and is deployed later: put it first in swarm.stacks")
            } else {
                let near =
                    nearest(to: name, among: made.networks.keys.sorted()).map { " (did you mean \"\($0)\"?)" } ?? ""
                problems.error(
                    at: entry.key.location, path,
                    "nothing makes the network \"\(name)\"\(near): add it to swarm.networks in the recipe")
            }
        }
    }

    private mutating func checkFiles(_ section: ComposeValue?, _ what: String, made: [String: String]) {
        for entry in section?.entries ?? [] {
            let path = "\(what)s.\(entry.key.value)"
            if let name = Self.external(entry) {
                guard isComplete, made[name] == nil, !ComposeVariables.has(name) else { continue }
                problems.error(
                    at: entry.key.location, path,
                    "nothing makes the \(what) \"\(name)\": name its file (file: ./\(entry.key.value)), which the card then "
                        + "carries")
            } else if entry.value["file"]?.text == nil, entry.value["driver"] == nil {
                problems.error(at: entry.key.location, path, "needs \"file\", the name of the file with its contents")
            }
        }
    }

    // MARK: Ports

    /// Ports of the nodes themselves: with sshd's, every connection to it would go to the service.
    private static let taken = [
        "22/tcp": "sshd", "2377/tcp": "the swarm's managers", "2378/tcp": "the rack's token service",
        "7946/tcp": "the swarm", "7946/udp": "the swarm", "4789/udp": "the swarm's networks",
    ]

    private mutating func publish(_ items: [ComposeValue], _ path: String, _ service: String) {
        for item in items {
            if item["mode"]?.text == "host" { continue }
            var numbers: ClosedRange<Int>?
            var kind = item["protocol"]?.text ?? "tcp"
            if let text = item.text, !ComposeVariables.has(text), let port = ComposeTexts.port(text) {
                numbers = port.published
                kind = port.isTCP ? "tcp" : "udp"
            } else if let text = item["published"]?.text, let number = Int(text) {
                numbers = number...number
            }
            guard let numbers, numbers.count == 1, numbers.lowerBound > 0 else { continue }
            let port = "\(numbers.lowerBound)/\(kind)"
            if let owner = Self.taken[port] {
                problems.error(
                    at: item.location, path, "every node needs the port \(port) for \(owner): publish another")
            } else if let other = made.ports.updateValue("\(stack)_\(service)", forKey: port),
                other != "\(stack)_\(service)"
            {
                problems.error(
                    at: item.location, path, "the service \(other) already publishes the port \(port): publish another")
            }
        }
    }
}
