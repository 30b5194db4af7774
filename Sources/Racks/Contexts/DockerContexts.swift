import Text
import Diagnostics
import Host
import Provisioning
package import Recipes
package import SystemPackage

/// What the docker command on a workstation needs for the nodes of a rack: a context to import for each node, and the
/// client certificate for nodes with `docker.remote: tls`.
package struct DockerContexts: Sendable {
    package struct Context: Sendable {
        package let node: String
        /// "tcp://192.168.50.11:2376", "ssh://pirate@red01.local"
        package let host: String
        /// The file for `docker context import`.
        package let file: FilePath
    }

    package let contexts: [Context]
    /// The directory with ca.pem, cert.pem and key.pem; nil if no node needs them.
    package let bundle: FilePath?

    /// Writes the contexts of `nodes` into `directory`, or into the rack's state. Makes the rack's certificates if they are
    /// needed for the first time.
    ///
    /// - Parameter answersLocalName: whether a node without a fixed address answers to NAME.local.
    package init(
        of nodes: [Node], in directory: FilePath?, now: Int64,
        answersLocalName: (Node) -> Bool = { _ in true }
    ) throws {
        var report = DiagnosticReport()
        for node in nodes where node.docker.remote == nil || node.docker.remote?.value == Node.Docker.Remote.none {
            report.error(
                at: node.docker.location ?? node.hostname.location,
                "\(node.hostname.value) cannot be reached from outside; write docker.remote: ssh, or tls")
        }
        for node in nodes where node.docker.remote?.value == .ssh && node.user == nil {
            report.error(
                at: node.docker.remote?.location, "docker.remote: ssh: needs a user to log in as: add one")
        }
        var names: Set<String> = []
        for node in nodes where !names.insert(node.hostname.value).inserted {
            report.error(at: node.hostname.location, "\(node.hostname.value) appears twice")
        }
        guard !report.hasErrors else { throw report }

        let secured = nodes.filter { $0.docker.remote?.value == .tls }
        let racks = Set(secured.map { RackState(of: $0).directory })
        guard racks.count < 2 else {
            throw Failure(
                .usage, severity: .usage,
                "these recipes belong to \(racks.count) racks, which have different certificates",
                hint: "give the recipes of one directory at a time")
        }
        guard let first = nodes.first else {
            throw Failure(.usage, severity: .usage, "there is no recipe to make a context from")
        }
        let state = RackState(of: secured.first ?? first)
        let directory = try Self.directory(at: directory, or: state)
        let client = secured.isEmpty ? nil : try state.clientCertificate(now: now)
        if let client {
            for (name, text) in Self.files(client) {
                try directory.replace(name, with: Array(text.utf8))
            }
        }
        var contexts: [Context] = []
        for node in nodes {
            let host = Self.host(of: node, answersLocalName: answersLocalName(node))
            let file = "\(node.hostname.value).dockercontext"
            let certificate = node.docker.remote?.value == .tls ? client : nil
            try directory.replace(
                file, with: Self.archive(node.hostname.value, host: host, certificate: certificate))
            contexts.append(
                Context(node: node.hostname.value, host: host, file: directory.path.appending(file)))
        }
        self.contexts = contexts
        bundle = client == nil ? nil : directory.path
    }

    private static func directory(at path: FilePath?, or state: RackState) throws(Failure) -> PrivateDirectory {
        if let path { return try PrivateDirectory.make(path, for: .output(mode: 0o700)) }
        let made = try state.made()
        return try state.writing { () throws(Failure) in try made.makeDirectory("contexts") }
    }

    private static func files(_ certificate: NodeCertificate) -> [(String, String)] {
        [("ca.pem", certificate.authority), ("cert.pem", certificate.certificate), ("key.pem", certificate.key)]
    }

    /// The node's address if that is fixed, otherwise its name, for multicast DNS if it answers to that.
    private static func host(of node: Node, answersLocalName: Bool) -> String {
        let name = node.hostname.value
        let fixed = node.address.map { $0.value.isIPv4 ? $0.value.address : "[\($0.value.address)]" }
        let address = fixed ?? (answersLocalName ? "\(name).local" : name)
        return switch node.docker.remote?.value {
        case .ssh: "ssh://\(node.user?.name.value ?? "")@\(address)"
        case .insecure: "tcp://\(address):2375"
        default: "tcp://\(address):2376"
        }
    }

    /// meta.json and the files of tls/docker, as `docker context export` writes them (docker/cli, cli/context/store).
    private static func archive(_ name: String, host: String, certificate: NodeCertificate?) -> [UInt8] {
        let endpoint = JSONValue.object([.init("Host", .string(host)), .init("SkipTLSVerify", .bool(false))])
        let meta = JSONValue.object([
            .init("Name", .string(name)), .init("Metadata", .object([.init("Description", .string("by piflash"))])),
            .init("Endpoints", .object([.init("docker", endpoint)])),
        ])
        var archive = TarArchive()
        archive.add("meta.json", Array(meta.prettyText.utf8))
        for (file, text) in certificate.map(files) ?? [] { archive.add("tls/docker/\(file)", Array(text.utf8)) }
        return archive.finished
    }
}
