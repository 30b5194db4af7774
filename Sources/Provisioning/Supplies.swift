package import Recipes

/// What a card gets besides what its recipe says: files that the recipe only names, and the node's certificate. Reading
/// and issuing are done by whoever calls ``Provisioner``.
package struct Supplies: Hashable, Sendable {
    /// The recipe's `docker.packages`.
    package var packages: [Package]
    /// The recipe's `docker.preload`.
    package var images: [Images]
    /// Set when the recipe says `docker.remote: tls`.
    package var certificate: NodeCertificate?

    package init(packages: [Package] = [], images: [Images] = [], certificate: NodeCertificate? = nil) {
        self.packages = packages
        self.images = images
        self.certificate = certificate
    }

    package struct Package: Hashable, Sendable {
        /// As the recipe names it, made absolute.
        package var path: Located<String>
        package var contents: [UInt8]
        package var package: DebianPackage

        package init(path: Located<String>, contents: [UInt8], package: DebianPackage) {
            self.path = path
            self.contents = contents
            self.package = package
        }
    }

    package struct Images: Hashable, Sendable {
        package var path: Located<String>
        package var contents: [UInt8]
        package var images: [SavedImage]

        package init(path: Located<String>, contents: [UInt8], images: [SavedImage]) {
            self.path = path
            self.contents = contents
            self.images = images
        }
    }
}

/// A node's certificate for port 2376, all in PEM.
package struct NodeCertificate: Hashable, Sendable {
    /// The rack's own certificate authority.
    package var authority: String
    package var certificate: String
    package var key: String
    /// Whether these are only placeholders, for looking at.
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
