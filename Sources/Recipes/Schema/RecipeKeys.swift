/// What a recipe may say: one table for the decoder's check of keys and for the JSON Schema.
indirect enum RecipeShape: Sendable {
    /// Text, with a regular expression for editors.
    case text(pattern: String? = nil)
    case flag
    /// One of a few words.
    case choice([String])
    /// Text that may be named by a secret tag.
    case secret
    case list(RecipeShape)
    case map([RecipeKey])
    /// A map with keys of somebody else's, any JSON below.
    case free
}

/// A key of a recipe.
struct RecipeKey: Sendable {
    let name: String
    let about: String
    let shape: RecipeShape
    var isRequired = false

    init(_ name: String, _ about: String, _ shape: RecipeShape, required: Bool = false) {
        self.name = name
        self.about = about
        self.shape = shape
        isRequired = required
    }
}

extension RecipeShape {
    var keys: [RecipeKey] { if case .map(let keys) = self { keys } else { [] } }

    static let recipe = RecipeShape.map([
        RecipeKey(
            "extends", "A recipe, or a list of them, that this one stands on; paths are relative to this file.",
            .list(.text())),
        RecipeKey("image", "The image that is written to the card.", image),
        RecipeKey(
            "hostname", "1 to 63 of a-z, 0-9 and \"-\".", .text(pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")),
        RecipeKey(
            "address", "IPv4 address and prefix length; without it DHCP.", .text(pattern: "^[0-9.]+/[0-9]+$")),
        RecipeKey("user", "Who logs in.", user),
        RecipeKey("wifi", "Wireless networks.", wifi),
        RecipeKey("network", "Gateway and name servers for a fixed address.", network),
        RecipeKey("locale", "Time zone, language and keyboard.", locale),
        RecipeKey("docker", "Docker's configuration.", docker),
        RecipeKey("swarm", "The swarm that the node joins, or that the rack forms.", swarm),
        RecipeKey("first_boot", "What else the first boot does.", firstBoot),
        RecipeKey("nodes", "The names of a rack's nodes: \"red[00-04,07]\".", .list(.text())),
        RecipeKey(
            "addresses", "The first node's address with its prefix length; the others count up from it.",
            .text(pattern: "^[0-9.]+/[0-9]+$")),
        RecipeKey("roster", "A CSV file with a row for each node; its columns become variables.", .text()),
        RecipeKey("overrides", "What single nodes have of their own, by name.", .free),
    ])

    static let image = RecipeShape.map([
        RecipeKey(
            "source", "Path (relative to this file) of a zip, xz, gz, bz2, zst or raw image.", .text(), required: true),
        RecipeKey("sha256", "SHA-256 of that file, checked when given.", .text(pattern: "^[0-9A-Fa-f]{64}$")),
    ])

    static let user = RecipeShape.map([
        RecipeKey(
            "name", "a-z, 0-9 and \"-\", starting with a letter; not root.", .text(pattern: "^[a-z][a-z0-9-]{0,31}$"),
            required: true),
        RecipeKey("password", "In clear (hashed before it reaches the card) or a crypt(5) hash.", .secret),
        RecipeKey("ssh_authorized_keys", "Public keys, one line each.", .list(.secret)),
        RecipeKey("groups", "Groups besides those the system gives its user.", .list(.text())),
    ])

    static let wifi = RecipeShape.map([
        RecipeKey("country", "ISO 3166 alpha-2, capitals.", .text(pattern: "^[A-Z]{2}$")),
        RecipeKey("networks", "The networks to join.", .list(wifiNetwork), required: true),
    ])

    static let wifiNetwork = RecipeShape.map([
        RecipeKey("ssid", "1 to 32 bytes.", .text(), required: true),
        RecipeKey("passphrase", "8 to 63 bytes, or 64 hex digits; without it the network is open.", .secret),
        RecipeKey("hidden", "The network does not send its name.", .flag),
    ])

    static let network = RecipeShape.map([
        RecipeKey("gateway", "IPv4 address.", .text(pattern: "^[0-9.]+$")),
        RecipeKey("dns", "IP addresses of name servers.", .list(.text())),
    ])

    static let locale = RecipeShape.map([
        RecipeKey("timezone", "Europe/Berlin", .text()),
        RecipeKey("lang", "en_GB.UTF-8", .text()),
        RecipeKey("keyboard", "de", .text()),
    ])

    static let docker = RecipeShape.map([
        RecipeKey(
            "install", "Where Docker comes from when the image has none: auto takes Debian's package.",
            .choice(Node.Docker.Install.allCases.map(\.rawValue))),
        RecipeKey(
            "channel", "What the convenience script installs.", .choice(Node.Docker.Channel.allCases.map(\.rawValue))),
        RecipeKey(
            "packages", "Debian packages (.deb) to install Docker from without a network.", .list(.text())),
        RecipeKey("daemon", "dockerd's own keys in dockerd's own spelling.", .free),
        RecipeKey("registry", "A registry mirror.", registry),
        RecipeKey("proxy", "What dockerd fetches images through.", proxy),
        RecipeKey(
            "remote", "How the daemon is reached from outside; insecure opens port 2375 to everyone, tls is port 2376.",
            .choice(Node.Docker.Remote.allCases.map(\.rawValue))),
        RecipeKey("preload", "Saved images (docker save) that the first boot loads.", .list(.text())),
    ])

    static let proxy = RecipeShape.map([
        RecipeKey("http", "http://proxy:8000", .text(pattern: "^https?://")),
        RecipeKey("https", "http://proxy:8000", .text(pattern: "^https?://")),
        RecipeKey("no_proxy", "Hosts, domains and networks that are reached directly.", .list(.text())),
    ])

    static let registry = RecipeShape.map([
        RecipeKey("mirror", "http(s)://host[:port]", .text(pattern: "^https?://"), required: true),
        RecipeKey("insecure", "The mirror is reached without TLS.", .flag),
    ])

    static let swarm = RecipeShape.map([
        RecipeKey(
            "mode", "swarm, or classic: Swarm 0.2 with Consul, for images of 2015.",
            .choice(Node.Swarm.Mode.allCases.map(\.rawValue))),
        RecipeKey(
            "managers", "The managers: nodes of the rack, or addresses with or without a port.", .list(.text()),
            required: true),
        RecipeKey(
            "role", "What the node becomes; without it a manager when it stands in managers.",
            .choice(Node.Swarm.Role.allCases.map(\.rawValue))),
        RecipeKey("token", "The token of a swarm that exists; without it the rack forms one by itself.", .secret),
        RecipeKey("availability", "By role: who gets no work.", availability),
        RecipeKey("labels", "Node labels, for placement constraints.", .free),
        RecipeKey("stacks", "What the first manager deploys.", .list(stack)),
        RecipeKey("consul", "Classic mode: the Consul server; without it the first manager.", .text()),
    ])

    static let availability = RecipeShape.map(
        Node.Swarm.Role.allCases.map {
            RecipeKey(
                $0.rawValue, "active, pause or drain.", .choice(Node.Swarm.Availability.allCases.map(\.rawValue)))
        })

    static let stack = RecipeShape.map([
        RecipeKey("name", "The stack's name.", .text(pattern: "^[a-z0-9][a-z0-9_-]*$"), required: true),
        RecipeKey("compose", "Its compose file; relative to this file.", .text(), required: true),
    ])

    static let firstBoot = RecipeShape.map([
        RecipeKey("packages", "Debian packages to install.", .list(.text())),
        RecipeKey("files", "Files to write on the node.", .list(firstBootFile)),
        RecipeKey("run", "Shell commands, run once as root.", .list(.text())),
    ])

    static let firstBootFile = RecipeShape.map([
        RecipeKey("path", "Absolute path on the node.", .text(pattern: "^/"), required: true),
        RecipeKey("content", "What the file holds.", .secret, required: true),
        RecipeKey("mode", "Permissions as a quoted octal number: \"0644\".", .text(pattern: "^0?[0-7]{3}$")),
    ])
}
