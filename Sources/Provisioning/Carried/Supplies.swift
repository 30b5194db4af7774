package import Recipes

/// What a card gets besides what its recipe says: files that the recipe only names, and the node's certificate. The caller
/// of ``Provisioner`` reads and issues them.
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
