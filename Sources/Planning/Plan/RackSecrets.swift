package import Provisioning
package import Recipes

/// What a card gets from the secret state of its rack. The rack makes and keeps it; a plan only puts it on the card.
package struct RackSecrets: Sendable {
    /// The key for password salts, 32 bytes.
    package var saltKey: [UInt8]
    /// The keys with which the nodes form their swarm; placeholders for a node that needs none.
    package var swarmKeys: RackKeys
    /// The certificate of a node with `docker.remote: tls`; nil for other nodes.
    package var certificate: NodeCertificate?

    package init(saltKey: [UInt8], swarmKeys: RackKeys, certificate: NodeCertificate?) {
        self.saltKey = saltKey
        self.swarmKeys = swarmKeys
        self.certificate = certificate
    }

    /// For a plan of `node` that is shown or validated, but not written.
    package static func placeholders(for node: Node) -> RackSecrets {
        // Salts matter only on a card.
        RackSecrets(
            saltKey: [UInt8](repeating: 0, count: 32), swarmKeys: .placeholders,
            certificate: node.docker.remote?.value == .tls ? .placeholder : nil)
    }
}
