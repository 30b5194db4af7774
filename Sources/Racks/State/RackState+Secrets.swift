package import Planning
import Provisioning
package import Recipes

extension RackState {
    /// What the card of `node` takes from the rack. What the rack does not have yet is made and kept.
    package func secrets(for node: Node, now: Int64) throws -> RackSecrets {
        var secrets = try secretsWithoutCertificate(for: node)
        if node.docker.remote?.value == .tls { secrets.certificate = try certificate(for: node, now: now) }
        return secrets
    }

    /// The same for the written card `card`.
    ///
    /// - Parameter isTrial: Issue no certificate: one that was not issued yet is a placeholder.
    package func secrets(
        for node: Node, on card: InspectedCard, now: Int64, isTrial: Bool = false
    ) throws -> RackSecrets {
        // Without the root partition the recipe is refused: issue no certificate for that.
        guard card.root != nil else { return try secretsWithoutCertificate(for: node) }
        guard isTrial else { return try secrets(for: node, now: now) }
        var secrets = try secretsWithoutCertificate(for: node)
        if node.docker.remote?.value == .tls {
            secrets.certificate = try knownCertificate(for: node, now: now) ?? .placeholder
        }
        return secrets
    }

    private func secretsWithoutCertificate(for node: Node) throws -> RackSecrets {
        RackSecrets(saltKey: try saltKey(), swarmKeys: try swarmKeys(for: node), certificate: nil)
    }
}
