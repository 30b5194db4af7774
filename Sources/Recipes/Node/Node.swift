import Text
import Diagnostics
/// One node as its recipe describes it, after `extends` and with every value checked, but with secrets still unread.
package struct Node: Hashable, Sendable {
    package var hostname: Located<String>
    package var image: Image?
    package var user: User?
    package var wifi: WiFi?
    /// Its fixed addresses, at most one of each family; without one of a family, the network gives it.
    package var addresses: [Located<StaticAddress>]
    package var network: Network
    package var locale: Locale
    package var docker: Docker
    package var swarm: Swarm?
    package var firstBoot: FirstBoot
    /// The nodes of the same rack whose recipes fix their addresses, this one included, an entry for each address; for
    /// /etc/hosts.
    package var rack: [RackHost]
    /// SHA-256 over the merged recipe without its secrets' values, as lower-case hex: it changes exactly if the recipe
    /// does.
    package var recipeDigest: String
    /// The recipe file the node was read from, as the user named it.
    package var recipePath: String

    package init(
        hostname: Located<String>, image: Image? = nil, user: User? = nil, wifi: WiFi? = nil,
        address: Located<StaticAddress>? = nil, network: Network = Network(), locale: Locale = Locale(),
        docker: Docker = Docker(), swarm: Swarm? = nil, firstBoot: FirstBoot = FirstBoot(), rack: [RackHost] = [],
        recipeDigest: String, recipePath: String
    ) {
        self.hostname = hostname
        self.image = image
        self.user = user
        self.wifi = wifi
        addresses = [address].compactMap { $0 }
        self.network = network
        self.locale = locale
        self.docker = docker
        self.swarm = swarm
        self.firstBoot = firstBoot
        self.rack = rack
        self.recipeDigest = recipeDigest
        self.recipePath = recipePath
    }

    /// The address that others reach the node at: IPv4 if it has both. Setting it makes it the only one.
    package var address: Located<StaticAddress>? {
        get { addresses.first(where: \.value.isIPv4) ?? addresses.first }
        set { addresses = [newValue].compactMap { $0 } }
    }

    /// What a swarm uses: overlay networks over IPv6 carry nothing before Docker 25 (moby 46790).
    package var ipv4Address: String? { addresses.first { $0.value.isIPv4 }?.value.address }

    /// Every secret of the node, in the order of the recipe format.
    package var secrets: [Secret] {
        [user?.password].compactMap { $0 } + (user?.sshAuthorizedKeys ?? [])
            + (wifi?.networks.compactMap(\.passphrase) ?? []) + proxyLogins + [swarm?.token].compactMap { $0 }
            + (swarm?.stacks.flatMap { $0.environment.map(\.value) } ?? []) + firstBoot.files.map(\.content)
    }

    /// The addresses of proxies that a tag names, or that hold a login.
    private var proxyLogins: [Secret] {
        var seen: Set<Location> = []
        return [network.proxy, docker.proxy].flatMap { $0?.secrets ?? [] }.filter { seen.insert($0.location).inserted }
    }

    package struct Image: Hashable, Sendable {
        /// An absolute path.
        package var source: Located<String>
        /// Lower-case hex, of the file that the recipe names (the archive, not the decoded image).
        package var sha256: Located<String>?

        package init(source: Located<String>, sha256: Located<String>? = nil) {
            self.source = source
            self.sha256 = sha256
        }
    }

    package struct User: Hashable, Sendable {
        package var name: Located<String>
        /// In clear, or already hashed (a crypt(5) string that starts with "$").
        package var password: Secret?
        package var sshAuthorizedKeys: [Secret]
        package var groups: [Located<String>]
        /// Whether sshd takes the password; nil if the recipe does not say.
        package var sshPassword: Located<Bool>?
        /// How the user becomes root; nil if the recipe does not say.
        package var sudo: Located<Sudo>?

        package init(
            name: Located<String>, password: Secret? = nil, sshAuthorizedKeys: [Secret] = [],
            groups: [Located<String>] = [], sshPassword: Located<Bool>? = nil, sudo: Located<Sudo>? = nil
        ) {
            self.name = name
            self.password = password
            self.sshAuthorizedKeys = sshAuthorizedKeys
            self.groups = groups
            self.sshPassword = sshPassword
            self.sudo = sudo
        }
    }

    package struct WiFi: Hashable, Sendable {
        /// ISO 3166 alpha-2, capitals.
        package var country: Located<String>?
        package var networks: [WiFiNetwork]

        package init(country: Located<String>? = nil, networks: [WiFiNetwork]) {
            self.country = country
            self.networks = networks
        }
    }

    package struct WiFiNetwork: Hashable, Sendable {
        /// 1 to 32 bytes of UTF-8.
        package var ssid: Located<String>
        /// 8 to 63 bytes, or 64 hex digits (a ready PSK); nil for an open network.
        package var passphrase: Secret?
        package var hidden: Bool

        package init(ssid: Located<String>, passphrase: Secret? = nil, hidden: Bool = false) {
            self.ssid = ssid
            self.passphrase = passphrase
            self.hidden = hidden
        }
    }

    /// An address with its prefix length: "192.168.50.11/24", "fd00::11/64".
    package struct StaticAddress: Hashable, Sendable, CustomStringConvertible {
        /// In its canonical form.
        package var address: String
        package var prefixLength: Int

        package var isIPv4: Bool { !address.contains(scalar: ":") }

        package var description: String { "\(address)/\(prefixLength)" }

        package init(address: String, prefixLength: Int) {
            self.address = address
            self.prefixLength = prefixLength
        }
    }

    /// A line of /etc/hosts.
    package struct RackHost: Hashable, Sendable {
        package var name: String
        /// Without a prefix length.
        package var address: String

        package init(name: String, address: String) {
            self.name = name
            self.address = address
        }
    }

    package struct Network: Hashable, Sendable {
        /// What addresses, gateways and name servers are for.
        package enum Interface: String, Hashable, Sendable, CaseIterable { case wired, wifi }

        /// Nil if the recipe does not say: then it is Wi-Fi if there is some, and the cable otherwise.
        package var interface: Located<Interface>?
        /// At most one of each family.
        package var gateways: [Located<String>]
        package var dns: [Located<String>]
        /// What apt, curl and the recipe's commands go through.
        package var proxy: Proxy?

        package init(
            interface: Located<Interface>? = nil, gateway: Located<String>? = nil, dns: [Located<String>] = [],
            proxy: Proxy? = nil
        ) {
            self.interface = interface
            gateways = [gateway].compactMap { $0 }
            self.dns = dns
            self.proxy = proxy
        }

        /// The IPv4 gateway, or else the other one. Setting it makes it the only one.
        package var gateway: Located<String>? {
            get { gateways.first { !$0.value.contains(scalar: ":") } ?? gateways.first }
            set { gateways = [newValue].compactMap { $0 } }
        }
    }

    package struct Locale: Hashable, Sendable {
        package var timezone: Located<String>?
        package var lang: Located<String>?
        package var keyboard: Located<String>?

        package init(
            timezone: Located<String>? = nil, lang: Located<String>? = nil, keyboard: Located<String>? = nil
        ) {
            self.timezone = timezone
            self.lang = lang
            self.keyboard = keyboard
        }
    }

    package struct FirstBoot: Hashable, Sendable {
        package var packages: [Located<String>]
        /// Whether the node gets its packages from the archive of old releases; nil if the recipe does not say.
        package var legacyArchive: Located<Bool>?
        package var files: [File]
        /// Shell commands, each for `sh -c`, as root, once.
        package var run: [Located<String>]
        /// The same, on the swarm's first manager, once all nodes of the swarm are ready.
        package var afterSwarm: [Located<String>]

        package init(
            packages: [Located<String>] = [], legacyArchive: Located<Bool>? = nil, files: [File] = [],
            run: [Located<String>] = [], afterSwarm: [Located<String>] = []
        ) {
            self.packages = packages
            self.legacyArchive = legacyArchive
            self.files = files
            self.run = run
            self.afterSwarm = afterSwarm
        }

    }
}
