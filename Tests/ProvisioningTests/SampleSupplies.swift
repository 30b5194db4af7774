import Diagnostics
import Provisioning
import Recipes
import Stacks

extension Sample {
    static let stackPassword = "st4ck-pass"
    static let stackSecret = "st4ck-f1le"
    static let composeFile = """
        version: "3.3"
        services: { db: { image: db, environment: { PASSWORD: \(stackPassword) }, configs: [web], secrets: [key] } }
        configs: { web: { file: ./web.conf } }
        secrets: { key: { file: secrets/db key } }

        """

    /// What a node's recipe names, for every architecture.
    static func supplies(of node: Node) -> Supplies {
        Supplies(
            packages: node.docker.packages.map {
                .init(
                    path: $0, contents: Array("deb \($0.value)".utf8),
                    package: DebianPackage(name: "docker.io", version: "20.10.24", architecture: "all"))
            },
            savedImages: node.docker.preload.map {
                .init(
                    path: $0, contents: Array("tar \($0.value)".utf8),
                    images: [SavedImage(tags: ["web:1"], architecture: "arm")])
            },
            stacks: (node.swarm?.stacks ?? []).map { stack in
                var report = DiagnosticReport()
                return StackSource(
                    stack, compose: Array(composeFile.utf8),
                    files: [
                        StackFile(path: "web.conf", contents: Array("a config\n".utf8), isSecret: false),
                        StackFile(path: "secrets/db key", contents: Array(stackSecret.utf8), isSecret: true),
                    ], &report)
            },
            certificate: node.docker.remote?.value == .tls
                ? NodeCertificate(authority: "authority\n", certificate: "certificate\n", key: "a key of its own\n")
                : nil)
    }
}
