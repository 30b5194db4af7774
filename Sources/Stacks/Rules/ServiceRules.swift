import Diagnostics
import Docker
import Recipes

/// What makes Docker refuse or ignore parts of a service, besides the schema.
struct ServiceRules {
    let stack: String
    private(set) var problems: ComposeProblems

    init(stack: String, _ problems: ComposeProblems) {
        self.stack = stack
        self.problems = problems
    }

    /// Keys that `docker stack deploy` refuses (docker/cli, cli/compose/types, ForbiddenProperties), and what to write
    /// instead.
    private static let refused = [
        "extends": "write the keys into the service", "volume_driver": "name the driver under the top-level volumes",
        "volumes_from": "name a volume of the top-level volumes in both services",
        "cpu_quota": "write deploy.resources.limits.cpus", "cpu_shares": "write deploy.resources.limits.cpus",
        "cpuset": "write deploy.resources.limits.cpus", "mem_limit": "write deploy.resources.limits.memory",
        "memswap_limit": "write deploy.resources.limits.memory",
    ]

    /// Keys that it ignores (UnsupportedProperties and DeprecatedProperties there), or that have no effect in a swarm.
    private static let ignored = [
        "build": "build the image and push it to a registry, or carry it with docker.preload",
        "cgroupns_mode": "leave it out", "cgroup_parent": "leave it out",
        "container_name": "leave it out, the swarm names the containers",
        "depends_on": "services start in any order; let this one try again until the other answers",
        "devices": "mount the device's path as a volume, or leave it out", "domainname": "leave it out",
        "expose": "leave it out, services of one network reach each other's ports",
        "external_links": "use a network that both have", "ipc": "leave it out",
        "links": "leave it out, services of one network know each other's names", "mac_address": "leave it out",
        "network_mode": "write networks", "pid": "leave it out", "privileged": "write cap_add",
        "restart": "write deploy.restart_policy", "security_opt": "leave it out",
        "shm_size": "mount a tmpfs at /dev/shm", "userns_mode": "leave it out",
    ]

    mutating func validate(_ entry: ComposeValue.Entry) {
        let service = entry.value
        let path = "services.\(entry.key.value)"
        validateName(entry.key.value, at: entry.key.location, path)
        for key in service.entries {
            if let instead = Self.refused[key.key.value] {
                problems.error(
                    at: key.key.location, "\(path).\(key.key.value)", "docker stack deploy refuses it; \(instead)")
            } else if let instead = Self.ignored[key.key.value], key.value.isTrue || !key.value.isFalse {
                problems.warning(
                    at: key.key.location, "\(path).\(key.key.value)", "has no effect in a swarm; \(instead)")
            }
        }
        validateImage(service, path)
        if let deploy = service["deploy"] { validateDeploy(deploy, of: service, "\(path).deploy") }
    }

    /// swarmkit, api/naming: a service is a name in DNS.
    private mutating func validateName(_ name: String, at place: Location, _ path: String) {
        let full = "\(stack)_\(name)"
        if name.wholeMatch(of: /[A-Za-z0-9]([-_]*[A-Za-z0-9])*/) == nil {
            problems.error(at: place, path, "a service's name takes letters, digits, \"-\" and \"_\"")
        } else if full.utf8.count > 63 {
            problems.error(at: place, path, "\(full) has more than 63 characters, and Docker refuses it")
        }
    }

    private mutating func validateImage(_ service: ComposeValue, _ path: String) {
        guard let image = service["image"], let text = image.text else {
            let place = service["build"]?.location ?? service.location
            return problems.error(at: place, path, "the service has no image; write image: name:tag")
        }
        if ComposeVariables.has(text) { return }
        let pattern =
            /(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?\/|\[[0-9A-Fa-f:]+\](?::[0-9]+)?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?/
        if text.wholeMatch(of: pattern) == nil {
            problems.error(
                at: image.location, "\(path).image", "\"\(text)\" is not a valid image (name:tag, in lower case)")
        }
    }

    private mutating func validateDeploy(_ deploy: ComposeValue, of service: ComposeValue, _ path: String) {
        func words(_ value: ComposeValue?, _ key: String, _ allowed: [String]) {
            guard let value, let text = value.text, !text.isEmpty, !ComposeVariables.has(text),
                !allowed.contains(text)
            else { return }
            problems.error(
                at: value.location, "\(path).\(key)", "\"\(text)\" must be one of \(allowed.joined(separator: ", "))")
        }
        words(deploy["mode"], "mode", ["replicated", "global", "replicated-job", "global-job"])
        words(deploy["endpoint_mode"], "endpoint_mode", ["vip", "dnsrr"])
        words(deploy["restart_policy"]?["condition"], "restart_policy.condition", ["none", "on-failure", "any"])
        words(
            deploy["update_config"]?["failure_action"], "update_config.failure_action",
            ["pause", "continue", "rollback"])
        words(deploy["rollback_config"]?["failure_action"], "rollback_config.failure_action", ["pause", "continue"])
        if let replicas = deploy["replicas"], ["global", "global-job"].contains(deploy["mode"]?.text ?? "") {
            problems.error(
                at: replicas.location, "\(path).replicas", "mode: global runs one on each node: leave it out")
        }
        for kind in ["limits", "reservations"] {
            if let memory = deploy["resources"]?[kind]?["memory"], let text = memory.text, !ComposeVariables.has(text),
                !ComposeTexts.isSize(text)
            {
                problems.error(
                    at: memory.location, "\(path).resources.\(kind).memory",
                    "\"\(text)\" is not a valid size (\"256M\")")
            }
        }
        for (index, item) in (deploy["placement"]?["constraints"]?.items ?? []).enumerated() {
            guard let text = item.text, !ComposeVariables.has(text), !ComposeTexts.isConstraint(text) else { continue }
            problems.error(
                at: item.location, "\(path).placement.constraints[\(index)]",
                "\"\(text)\" is not a valid constraint (\"node.labels.zone == rack\")")
        }
        if deploy["endpoint_mode"]?.text == "dnsrr",
            let port = (service["ports"]?.items ?? []).first(where: {
                $0["mode"]?.text != "host"
            })
        {
            problems.error(
                at: port.location, "\(path.dropLast(".deploy".count)).ports",
                "Docker refuses endpoint_mode: dnsrr with ports of all nodes; write mode: host for the port")
        }
    }
}

extension ComposeValue {
    fileprivate var isFalse: Bool {
        if case .bool(false) = content { true } else { false }
    }
}
