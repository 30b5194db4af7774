package import Recipes
package import Stacks

/// What a card gets besides what its recipe says: files that the recipe only names, and the node's certificate. The caller
/// of ``Provisioner`` reads and issues them.
package struct Supplies: Hashable, Sendable {
    /// The recipe's `docker.packages`.
    package var packages: [Package]
    /// The recipe's `docker.preload`.
    package var savedImages: [SavedImages]
    /// The recipe's `swarm.stacks`.
    package var stacks: [StackSource]
    /// Set when the recipe says `docker.remote: tls`.
    package var certificate: NodeCertificate?

    package init(
        packages: [Package] = [], savedImages: [SavedImages] = [], stacks: [StackSource] = [],
        certificate: NodeCertificate? = nil
    ) {
        self.packages = packages
        self.savedImages = savedImages
        self.stacks = stacks
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

    /// An archive of `docker save`.
    package struct SavedImages: Hashable, Sendable {
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
