public import Diagnostics

/// One node as its recipe describes it, after `extends` and with every value checked, but with secrets still unread.
public struct Node: Hashable, Sendable {
    public var hostname: Located<String>
    public var image: Image?
    public var user: User?
    public var wifi: WiFi?
    public var address: Located<StaticAddress>?
    public var network: Network
    public var locale: Locale
    public var docker: Docker
    public var swarm: Swarm?
    public var firstBoot: FirstBoot
    /// The nodes of the same rack whose recipes fix their addresses, this one included; for /etc/hosts.
    public var rack: [RackHost]
    /// SHA-256 over the merged recipe without its secrets' values, as lower-case hex: changes exactly when the recipe
    /// does.
    public var recipeDigest: String
    /// The recipe file the node was read from, as the user named it.
    public var recipePath: String

    public init(
        hostname: Located<String>, image: Image? = nil, user: User? = nil, wifi: WiFi? = nil,
        address: Located<StaticAddress>? = nil, network: Network = Network(), locale: Locale = Locale(),
        docker: Docker = Docker(), swarm: Swarm? = nil, firstBoot: FirstBoot = FirstBoot(), rack: [RackHost] = [],
        recipeDigest: String, recipePath: String
    ) {
        self.hostname = hostname
        self.image = image
        self.user = user
        self.wifi = wifi
        self.address = address
        self.network = network
        self.locale = locale
        self.docker = docker
        self.swarm = swarm
        self.firstBoot = firstBoot
        self.rack = rack
        self.recipeDigest = recipeDigest
        self.recipePath = recipePath
    }

    /// Every secret of the node, in the order of the recipe format.
    public var secrets: [Secret] {
        [user?.password].compactMap { $0 } + (user?.sshAuthorizedKeys ?? [])
            + (wifi?.networks.compactMap(\.passphrase) ?? []) + [swarm?.token].compactMap { $0 }
            + firstBoot.files.map(\.content)
    }

    public struct Image: Hashable, Sendable {
        /// An absolute path.
        public var source: Located<String>
        /// Lower-case hex, of the file as it is given (the archive, not the decoded image).
        public var sha256: Located<String>?

        public init(source: Located<String>, sha256: Located<String>? = nil) {
            self.source = source
            self.sha256 = sha256
        }
    }

    public struct User: Hashable, Sendable {
        public var name: Located<String>
        /// In clear, or already hashed (a crypt(5) string that starts with "$").
        public var password: Secret?
        public var sshAuthorizedKeys: [Secret]
        public var groups: [Located<String>]

        public init(
            name: Located<String>, password: Secret? = nil, sshAuthorizedKeys: [Secret] = [],
            groups: [Located<String>] = []
        ) {
            self.name = name
            self.password = password
            self.sshAuthorizedKeys = sshAuthorizedKeys
            self.groups = groups
        }
    }

    public struct WiFi: Hashable, Sendable {
        /// ISO 3166 alpha-2, capitals.
        public var country: Located<String>?
        public var networks: [WiFiNetwork]

        public init(country: Located<String>? = nil, networks: [WiFiNetwork]) {
            self.country = country
            self.networks = networks
        }
    }

    public struct WiFiNetwork: Hashable, Sendable {
        /// 1 to 32 bytes of UTF-8.
        public var ssid: Located<String>
        /// 8 to 63 bytes, or 64 hex digits (a ready PSK); nil for an open network.
        public var passphrase: Secret?
        public var hidden: Bool

        public init(ssid: Located<String>, passphrase: Secret? = nil, hidden: Bool = false) {
            self.ssid = ssid
            self.passphrase = passphrase
            self.hidden = hidden
        }
    }

    /// An IPv4 address with its prefix length: "192.168.50.11/24".
    public struct StaticAddress: Hashable, Sendable {
        public var address: String
        public var prefixLength: Int

        public init(address: String, prefixLength: Int) {
            self.address = address
            self.prefixLength = prefixLength
        }
    }

    /// A line of /etc/hosts.
    public struct RackHost: Hashable, Sendable {
        public var name: String
        /// IPv4, without a prefix length.
        public var address: String

        public init(name: String, address: String) {
            self.name = name
            self.address = address
        }
    }

    public struct Network: Hashable, Sendable {
        public var gateway: Located<String>?
        public var dns: [Located<String>]

        public init(gateway: Located<String>? = nil, dns: [Located<String>] = []) {
            self.gateway = gateway
            self.dns = dns
        }
    }

    public struct Locale: Hashable, Sendable {
        public var timezone: Located<String>?
        public var lang: Located<String>?
        public var keyboard: Located<String>?

        public init(
            timezone: Located<String>? = nil, lang: Located<String>? = nil, keyboard: Located<String>? = nil
        ) {
            self.timezone = timezone
            self.lang = lang
            self.keyboard = keyboard
        }
    }

    public struct FirstBoot: Hashable, Sendable {
        public var packages: [Located<String>]
        public var files: [File]
        /// Shell commands, each for `sh -c`, as root, once.
        public var run: [Located<String>]

        public init(packages: [Located<String>] = [], files: [File] = [], run: [Located<String>] = []) {
            self.packages = packages
            self.files = files
            self.run = run
        }

        public struct File: Hashable, Sendable {
            /// Absolute, on the node.
            public var path: Located<String>
            public var content: Secret
            /// Permission bits, 0o644 when left out.
            public var mode: UInt16

            public init(path: Located<String>, content: Secret, mode: UInt16 = 0o644) {
                self.path = path
                self.content = content
                self.mode = mode
            }
        }
    }
}

/// A value and the place in a recipe where it stands.
public struct Located<Value: Hashable & Sendable>: Hashable, Sendable {
    public var value: Value
    public var location: Location

    public init(_ value: Value, at location: Location) {
        self.value = value
        self.location = location
    }
}
