import Diagnostics
import Recipes

/// What a recipe's login settings mean for the commands that need to become root on a node.
enum LoginChecks {
    /// Groups whose members can become root without sudo: Docker mounts any directory, disk reads and writes the card, lxd
    /// starts privileged containers.
    private static let powerful: Set = ["docker", "disk", "lxd"]

    static func warnings(_ node: Node) -> DiagnosticReport {
        var report = DiagnosticReport()
        guard let user = node.user, let sudo = user.sudo, sudo.value != .passwordless else { return report }
        let isInDocker = user.groups.contains { $0.value == "docker" } || node.docker.remote?.value == .ssh
        var commands = ["run --sudo", "daemon --diff", "daemon --apply"]
        if node.swarm != nil, !isInDocker { commands.append("swarm") }
        report.warning(
            at: sudo.location,
            "user.sudo: \(sudo.value.rawValue): these need sudo without a password and will not work on this node: piflash "
                + commands.joined(separator: ", piflash ")
                + (isInDocker ? "" : "; piflash status will not show Docker"))
        for group in user.groups where powerful.contains(group.value) {
            report.warning(
                at: group.location,
                "user.groups: a member of \(group.value) can become root without sudo, whatever user.sudo says")
        }
        if let remote = node.docker.remote, remote.value == .ssh {
            report.warning(
                at: remote.location,
                "docker.remote: ssh: the user joins the group docker, and can become root without sudo, whatever user.sudo says"
            )
        }
        return report
    }
}
