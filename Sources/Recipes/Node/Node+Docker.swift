package import Text
package import Diagnostics

extension Node {
    /// Whether anything on the node needs Docker.
    package var usesDocker: Bool {
        docker.location != nil || !docker.daemon.isEmpty || docker.registry != nil || swarm != nil
    }

    package struct Docker: Hashable, Sendable {
        /// Where Docker comes from if the image has none.
        package enum Install: String, Sendable, CaseIterable {
            /// What suits the image: nothing if it has Docker, otherwise Debian's package.
            case auto
            case none
            case debian
            /// https://get.docker.com
            case convenienceScript = "convenience-script"
        }

        /// A channel of download.docker.com.
        package enum Channel: String, Sendable, CaseIterable { case stable, test }

        /// How the daemon is reached from outside the node.
        package enum Remote: String, Sendable, CaseIterable {
            case none
            /// `docker -H ssh://`: the user is in the docker group, and nothing listens on the network.
            case ssh
            /// Port 2376, with certificates of the rack's CA on both sides.
            case tls
            /// Port 2375 without any check: everyone who reaches it has root on the node.
            case insecure
        }

        /// Keys of daemon.json as dockerd spells them, in the recipe's order.
        package var daemon: [Key]
        package var registry: Registry?
        package var install: Located<Install>?
        package var channel: Located<Channel>?
        /// Absolute paths of .deb files.
        package var packages: [Located<String>]
        /// The proxies that dockerd fetches images through; without the key those of ``Node/Network/proxy``.
        package var proxy: Proxy?
        package var remote: Located<Remote>?
        /// Absolute paths of archives made by `docker save`.
        package var preload: [Located<String>]
        /// Where `docker:` is in the recipe; nil if the recipe does not have it.
        package var location: Location?

        package init(
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
        package struct Key: Hashable, Sendable {
            package var name: Located<String>
            package var value: Located<JSONValue>

            package init(name: Located<String>, value: Located<JSONValue>) {
                self.name = name
                self.value = value
            }
        }

        /// A registry mirror, and whether it is reached without TLS.
        package struct Registry: Hashable, Sendable {
            /// http(s)://host[:port]
            package var mirror: Located<String>
            package var insecure: Bool

            package init(mirror: Located<String>, insecure: Bool = false) {
                self.mirror = mirror
                self.insecure = insecure
            }

            /// host[:port] of the mirror: what follows the scheme, because the rule for mirrors allows no path.
            package var authority: String {
                let url = mirror.value
                return url.utf8.firstRange(of: "://".utf8).map { String(url[$0.upperBound...]) } ?? url
            }
        }
    }
}
