import Diagnostics
import Text

extension RecipeDecoder {
    /// What only a swarm that the rack forms can have.
    private static let formedKeys = ["availability", "labels", "address_pool", "certificates", "networks", "stacks"]

    mutating func swarm(_ value: RecipeValue, hostname: String?, addresses: [Node.StaticAddress]) -> Node.Swarm? {
        guard let fields = fields(value, "swarm", .swarm) else { return nil }
        let mode: Located<Node.Swarm.Mode>? = choice(fields, "mode")
        let managers = texts(fields, "managers")
        if fields["managers"] != nil, managers.isEmpty, !report.hasErrors {
            report.error(at: fields.location, "swarm.managers: the list is empty")
        }
        var seen: Set<String> = []
        for manager in managers where !seen.insert(manager.value).inserted {
            report.error(at: manager.location, "swarm.managers: \"\(manager.value)\" appears twice")
        }
        let token = secret(fields, "token")
        let given: Located<Node.Swarm.Role>? = choice(fields, "role")
        let own = [hostname].compactMap { $0 } + addresses.map(\.address)
        let listed = managers.contains { own.contains($0.value) }
        let swarm = Node.Swarm(
            mode: mode?.value ?? .swarm, managers: managers, role: given?.value ?? (listed ? .manager : .worker),
            token: token, availability: availability(fields), labels: labels(fields),
            addressPool: texts(fields, "address_pool"),
            certificates: text(fields, "certificates").flatMap { text in
                ValueRule.hours(text.value).map { Located($0, at: text.location) }
            },
            networks: list(fields, "networks").compactMap { network($0) },
            stacks: list(fields, "stacks").compactMap { stack($0) },
            consul: text(fields, "consul"), location: fields.location)
        if swarm.token == nil, listed, let given, given.value == .worker {
            report.error(at: given.location, "swarm.role: worker, but the node is listed in swarm.managers")
        }
        if swarm.isFormed { checkForming(swarm) }
        if !swarm.isFormed, swarm.mode == .swarm {
            for key in Self.formedKeys {
                guard let value = fields[key] else { continue }
                report.error(
                    at: value.location,
                    "swarm.\(key): only for a swarm that the rack forms, without swarm.token")
            }
        }
        if swarm.mode == .classic {
            for key in ["token"] + Self.formedKeys {
                guard let value = fields[key] else { continue }
                report.error(at: value.location, "swarm.\(key): classic Swarm does not have this; leave it out")
            }
            // Swarm 0.2 advertises [0-9a-zA-Z._-]+:PORT, which leaves no room for IPv6.
            for (key, hosts) in [("managers", managers), ("consul", [swarm.consul].compactMap { $0 })] {
                for host in hosts where host.value.contains(scalar: ":") {
                    report.error(
                        at: host.location,
                        "swarm.\(key): \(host.value): classic Swarm takes an IPv4 address or a name, without a port")
                }
            }
        } else if let consul = swarm.consul {
            report.error(at: consul.location, "swarm.consul: only with swarm.mode: classic")
        }
        return swarm
    }

    /// What can be checked of a swarm that the rack forms without the rest of the rack.
    private mutating func checkForming(_ swarm: Node.Swarm) {
        for manager in swarm.managers where HostPort(manager.value)?.port != nil {
            report.error(
                at: manager.location,
                "swarm.managers: \(manager.value): leave the port out; a swarm that the rack forms uses Docker's own port"
            )
        }
        var names: Set<String> = []
        for stack in swarm.stacks where !names.insert(stack.name.value).inserted {
            report.error(at: stack.name.location, "swarm.stacks: \"\(stack.name.value)\" appears twice")
        }
        checkNetworks(swarm)
        if swarm.labels.count > 32, let label = swarm.labels.last {
            report.error(at: label.key.location, "swarm.labels: more than 32 labels")
        }
    }

    /// Docker refuses neither networks that overlap each other nor pools that do, and containers then cannot reach some
    /// addresses.
    private mutating func checkNetworks(_ swarm: Node.Swarm) {
        var names: Set<String> = []
        for network in swarm.networks where !names.insert(network.name.value).inserted {
            report.error(at: network.name.location, "swarm.networks: \"\(network.name.value)\" appears twice")
        }
        for (key, given) in [
            ("swarm.address_pool", swarm.addressPool), ("swarm.networks.subnet", swarm.networks.compactMap(\.subnet)),
        ] {
            for (index, text) in given.enumerated() {
                guard let network = IPNetwork(text.value),
                    let other = given[..<index].first(where: { IPNetwork($0.value)?.overlaps(network) == true })
                else { continue }
                report.error(at: text.location, "\(key): \(network) overlaps \(other.value)")
            }
        }
    }

    private mutating func availability(_ fields: Fields) -> [Node.Swarm.Role: Node.Swarm.Availability] {
        guard let value = fields["availability"],
            let inner = self.fields(value, "swarm.availability", .availability)
        else { return [:] }
        var availability: [Node.Swarm.Role: Node.Swarm.Availability] = [:]
        for role in Node.Swarm.Role.allCases {
            let given: Located<Node.Swarm.Availability>? = choice(inner, role.rawValue)
            availability[role] = given?.value
        }
        return availability
    }

    private mutating func labels(_ fields: Fields) -> [Node.Swarm.Label] {
        guard let value = fields["labels"] else { return [] }
        guard case .mapping(let entries) = value.content, value.tag == nil else {
            report.error(at: value.location, "swarm.labels: expected a map of labels, this is \(value.kind)")
            return []
        }
        var labels: [Node.Swarm.Label] = []
        for entry in entries {
            if let problem = ValueRule.labelKey.problem(with: entry.key.value) {
                report.error(at: entry.key.location, "swarm.labels: \(problem)")
            }
            if let text = text(entry.value, "swarm.labels.\(entry.key.value)", .labelValue) {
                labels.append(Node.Swarm.Label(key: entry.key, value: text))
            }
        }
        return labels
    }

    private mutating func stack(_ value: RecipeValue) -> Node.Swarm.Stack? {
        guard let fields = fields(value, "swarm.stacks", .stack) else { return nil }
        let name = text(fields, "name")
        guard let compose = file(fields["compose"], "swarm.stacks.compose"), let name else { return nil }
        return Node.Swarm.Stack(name: name, compose: compose, environment: environment(fields))
    }

    private mutating func environment(_ fields: Fields) -> [Node.Swarm.Stack.Variable] {
        let path = "swarm.stacks.environment"
        guard let value = fields["environment"] else { return [] }
        guard case .mapping(let entries) = value.content, value.tag == nil else {
            report.error(at: value.location, "\(path): expected a map of variables, this is \(value.kind)")
            return []
        }
        return entries.compactMap { entry in
            if let problem = ValueRule.variableName.problem(with: entry.key.value) {
                report.error(at: entry.key.location, "\(path): \(problem)")
                return nil
            }
            return secret(entry.value, "\(path).\(entry.key.value)", .variableValue).map {
                .init(name: entry.key, value: $0)
            }
        }
    }

    private mutating func network(_ value: RecipeValue) -> Node.Swarm.Network? {
        guard let fields = fields(value, "swarm.networks", .swarmNetwork) else { return nil }
        let (isAttachable, isEncrypted, isInternal) = (
            flag(fields, "attachable"), flag(fields, "encrypted"), flag(fields, "internal")
        )
        let subnet = text(fields, "subnet")
        guard let name = text(fields, "name") else { return nil }
        return Node.Swarm.Network(
            name: name, isAttachable: isAttachable ?? false, isEncrypted: isEncrypted ?? false,
            isInternal: isInternal ?? false, subnet: subnet)
    }
}
