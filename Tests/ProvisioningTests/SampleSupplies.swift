import Provisioning
import Recipes

extension Sample {
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
            certificate: node.docker.remote?.value == .tls
                ? NodeCertificate(authority: "authority\n", certificate: "certificate\n", key: "a key of its own\n")
                : nil)
    }
}
