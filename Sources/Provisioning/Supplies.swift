public import Images
public import Recipes

/// What a card gets besides what its recipe says: files that the recipe only names, and the node's certificate. Reading
/// and issuing are done by whoever calls ``Provisioner``.
public struct Supplies: Hashable, Sendable {
    /// The recipe's `docker.packages`.
    public var packages: [Package]
    /// The recipe's `docker.preload`.
    public var images: [Images]
    /// Set when the recipe says `docker.remote: tls`.
    public var certificate: NodeCertificate?

    public init(packages: [Package] = [], images: [Images] = [], certificate: NodeCertificate? = nil) {
        self.packages = packages
        self.images = images
        self.certificate = certificate
    }

    public struct Package: Hashable, Sendable {
        /// As the recipe names it, made absolute.
        public var path: Located<String>
        public var contents: [UInt8]
        public var package: DebianPackage

        public init(path: Located<String>, contents: [UInt8], package: DebianPackage) {
            self.path = path
            self.contents = contents
            self.package = package
        }
    }

    public struct Images: Hashable, Sendable {
        public var path: Located<String>
        public var contents: [UInt8]
        public var images: [SavedImage]

        public init(path: Located<String>, contents: [UInt8], images: [SavedImage]) {
            self.path = path
            self.contents = contents
            self.images = images
        }
    }
}

/// A node's certificate for port 2376, all in PEM.
public struct NodeCertificate: Hashable, Sendable {
    /// The rack's own certificate authority.
    public var authority: String
    public var certificate: String
    public var key: String
    /// Whether these are only placeholders, for looking at.
    public var isPlaceholder: Bool

    public init(authority: String, certificate: String, key: String, isPlaceholder: Bool = false) {
        self.authority = authority
        self.certificate = certificate
        self.key = key
        self.isPlaceholder = isPlaceholder
    }

    public static let placeholder = NodeCertificate(
        authority: "<the rack's certificate>\n", certificate: "<the node's certificate>\n",
        key: "<the node's key>\n", isPlaceholder: true)
}
