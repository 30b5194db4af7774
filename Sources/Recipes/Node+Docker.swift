public import Diagnostics

extension Node {
    public struct Docker: Hashable, Sendable {
        /// Where Docker comes from when the image has none.
        public enum Install: String, Sendable, CaseIterable {
            /// What suits the image: nothing where it has Docker, else Debian's package.
            case auto
            case none
            case debian
            /// https://get.docker.com
            case convenienceScript = "convenience-script"
        }

        /// A channel of download.docker.com.
        public enum Channel: String, Sendable, CaseIterable { case stable, test }

        /// How the daemon is reached from outside the node.
        public enum Remote: String, Sendable, CaseIterable {
            case none
            /// `docker -H ssh://`: the user is in the docker group, nothing listens.
            case ssh
            /// Port 2376, with certificates of the rack's own CA on both sides.
            case tls
            /// Port 2375 without any check: root on the node for everyone who reaches it.
            case insecure
        }

        /// dockerd's own keys in dockerd's own spelling, in the recipe's order.
        public var daemon: [Key]
        public var registry: Registry?
        public var install: Located<Install>?
        public var channel: Located<Channel>?
        /// Absolute paths of .deb files.
        public var packages: [Located<String>]
        public var proxy: Proxy?
        public var remote: Located<Remote>?
        /// Absolute paths of archives made by `docker save`.
        public var preload: [Located<String>]
        /// Where `docker:` stands in the recipe, or nil when it does not.
        public var location: Location?

        public init(
            daemon: [Key] = [], registry: Registry? = nil, install: Located<Install>? = nil,
            channel: Located<Channel>? = nil, packages: [Located<String>] = [], proxy: Proxy? = nil,
            remote: Located<Remote>? = nil, preload: [Located<String>] = [], location: Location? = nil
        ) {
            self.daemon = daemon
            self.registry = registry
            self.install = install
            self.channel = channel
            self.packages = packages
            self.proxy = proxy
            self.remote = remote
            self.preload = preload
            self.location = location
        }

        /// A key of daemon.json.
        public struct Key: Hashable, Sendable {
            public var name: Located<String>
            public var value: Located<JSONValue>

            public init(name: Located<String>, value: Located<JSONValue>) {
                self.name = name
                self.value = value
            }
        }

        /// A registry mirror, and whether it is reached without TLS.
        public struct Registry: Hashable, Sendable {
            /// http(s)://host[:port]
            public var mirror: Located<String>
            public var insecure: Bool

            public init(mirror: Located<String>, insecure: Bool = false) {
                self.mirror = mirror
                self.insecure = insecure
            }
        }

        /// The proxies that dockerd fetches images through.
        public struct Proxy: Hashable, Sendable {
            /// For http:// registries: http(s)://[user:password@]host[:port].
            public var http: Located<String>?
            /// For https:// registries.
            public var https: Located<String>?
            /// Hosts, domains and networks that are reached directly.
            public var noProxy: [Located<String>]
            /// Where `proxy:` stands in the recipe.
            public var location: Location

            public init(
                http: Located<String>? = nil, https: Located<String>? = nil, noProxy: [Located<String>] = [],
                location: Location
            ) {
                self.http = http
                self.https = https
                self.noProxy = noProxy
                self.location = location
            }
        }
    }
}
