/// A node's certificate for port 2376, all in PEM.
package struct NodeCertificate: Hashable, Sendable {
    /// The rack's own certificate authority.
    package var authority: String
    package var certificate: String
    package var key: String
    /// Whether these are only placeholders, to be shown.
    package var isPlaceholder: Bool

    package init(authority: String, certificate: String, key: String, isPlaceholder: Bool = false) {
        self.authority = authority
        self.certificate = certificate
        self.key = key
        self.isPlaceholder = isPlaceholder
    }

    package static let placeholder = NodeCertificate(
        authority: "<the rack's certificate>\n", certificate: "<the node's certificate>\n",
        key: "<the node's key>\n", isPlaceholder: true)
}
