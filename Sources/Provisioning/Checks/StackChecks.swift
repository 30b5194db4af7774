import Text
import Diagnostics
import Recipes
import Stacks
import Systems

/// Checks the stacks of a swarm against the engine that deploys them, and against what the recipe puts on the node.
enum StackChecks {
    static func check(_ sources: [StackSource], _ node: Node, profile: OSProfile, report: inout DiagnosticReport) {
        guard let swarm = node.swarm, swarm.isFormed, RootFlavour.hasSwarmMode(profile),
            SwarmManagers(node, swarm).isFirst
        else { return }
        checkCommands(node, report: &report)
        guard !sources.isEmpty else { return }
        report.merge(
            StackValidation(sources, of: swarm, engine: SwarmFormation.engine(of: node, profile)).report)
        for source in sources {
            report.merge(DiagnosticReport(source.warnings))
            checkPaths(source, node, report: &report)
        }
    }

    /// `docker network create` and its like in first_boot.run, which runs before there is a swarm.
    private static func checkCommands(_ node: Node, report: inout DiagnosticReport) {
        let pattern = /\bdocker\s+(network\s+create\b.*\boverlay\b|(service|stack|secret|config|node)\s+[a-z])/
            .matchingSemantics(.unicodeScalar)
        for command in node.firstBoot.run where command.value.firstMatch(of: pattern) != nil {
            report.warning(
                at: command.location,
                "first_boot.run: runs before the swarm is formed, so this command fails: write it under "
                    + "first_boot.after_swarm"
                    + (command.value.contains("network") ? ", or the network under swarm.networks" : ""))
        }
    }

    // MARK: Paths on the node

    private static func checkPaths(_ source: StackSource, _ node: Node, report: inout DiagnosticReport) {
        for named in source.absoluteFiles where !isMade(named.path.value, node) {
            report.error(
                at: named.path.location,
                "swarm.stacks.compose: \(named.key): nothing puts \(named.path.value) on the first manager: copy the file "
                    + "beside the compose file, and name it relative to that, or add it to first_boot.files")
        }
        for mount in source.mounts where !isThere(mount.path.value) && !isMade(mount.path.value, node) {
            report.warning(
                at: mount.path.location,
                "swarm.stacks.compose: \(mount.key): nothing in the recipe makes \(mount.path.value), and where it is missing "
                    + "the service does not start: first_boot.run: [\"mkdir -p \(mount.path.value)\"] on each node, or a volume"
            )
        }
    }

    /// Whether the recipe's files or commands have to do with the path.
    private static func isMade(_ path: String, _ node: Node) -> Bool {
        let path = path.ends(with: "/") ? String(path.dropLast()) : path
        let files = node.firstBoot.files.map(\.path.value)
        return files.contains { $0 == path || $0.begins(with: path + "/") }
            || node.firstBoot.run.contains { $0.value.contains(path) || isBelow(path, aPathIn: $0.value) }
    }

    /// Whether a command names a directory, outside of the system's own, that holds `path`.
    private static func isBelow(_ path: String, aPathIn command: String) -> Bool {
        command.split { " '\"=;".contains($0) }.contains { word in
            word.begins(with: "/") && word.count(where: { $0 == "/" }) > 1 && path.begins(with: word + "/")
        }
    }

    /// Paths that every node has.
    private static func isThere(_ path: String) -> Bool {
        ["/run/", "/var/run/", "/proc/", "/sys/", "/dev/", "/usr/"].contains(where: (path + "/").hasPrefix)
            || directories.contains(path.ends(with: "/") && path.count > 1 ? String(path.dropLast()) : path)
    }

    private static let directories: Set<String> = [
        "/", "/boot", "/etc", "/etc/docker", "/etc/group", "/etc/hostname", "/etc/hosts", "/etc/localtime",
        "/etc/machine-id", "/etc/os-release", "/etc/passwd", "/etc/resolv.conf", "/etc/ssl/certs", "/etc/timezone",
        "/home", "/lib", "/lib/modules", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var", "/var/lib",
        "/var/lib/docker", "/var/lib/docker/containers", "/var/lib/docker/volumes", "/var/log", "/var/tmp",
    ]
}
