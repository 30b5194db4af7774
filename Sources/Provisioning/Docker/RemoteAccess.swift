import Diagnostics
import Docker
import Recipes
import Systems
import Text

/// How the daemon is reached from outside the node: what the recipe's `docker.remote` adds to daemon.json.
enum RemoteAccess {
    /// The port of Docker's documentation for TLS.
    static let port = 2376

    /// The keys that `remote: tls` sets, and so a recipe cannot.
    private static let ownKeys: Set<String> = ["hosts", "tls", "tlsverify", "tlscacert", "tlscert", "tlskey"]

    /// Members of daemon.json besides those of the recipe; what contradicts them is reported.
    static func members(_ docker: Node.Docker, report: inout DiagnosticReport) -> [JSONValue.Member] {
        guard docker.remote?.value == .tls else { return [] }
        for key in docker.daemon where ownKeys.contains(key.name.value) {
            report.error(
                at: key.name.location,
                "docker.daemon.\(key.name.value): docker.remote: tls sets this key; leave one of them out")
        }
        let directory = SuppliedFiles.certificateDirectory
        return [
            // The unix socket, too: without it the docker command on the node fails.
            .init(
                "hosts",
                .array([.string("unix:///var/run/docker.sock"), .string("tcp://0.0.0.0:\(port)")])),
            .init("tlsverify", .bool(true)), .init("tlscacert", .string("\(directory)/ca.pem")),
            .init("tlscert", .string("\(directory)/cert.pem")), .init("tlskey", .string("\(directory)/key.pem")),
        ]
    }

    /// Why the image's Docker cannot be reached over ssh; nil if it can. `docker system dial-stdio` came with 18.09.
    static func obstacleToSSH(_ profile: OSProfile) -> String? {
        if let version = RootFlavour.engineVersion(profile) {
            return version >= EngineVersion(18, 9)
                ? nil : "Docker \(version) cannot be reached over ssh, which came with 18.09; write docker.remote: tls"
        }
        return profile.flavour.facts.bundledDocker?.mayHaveSSH == false
            ? "its Docker cannot be reached over ssh, which came with 18.09; write docker.remote: tls" : nil
    }
}
