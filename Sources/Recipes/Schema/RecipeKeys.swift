/// The keys of a recipe, with the texts that editors show.
extension RecipeShape {
    static let recipe = RecipeShape.map([
        RecipeKey(
            "extends", "A recipe, or a list of them, that this one extends; paths are relative to this file.",
            .list(.text())),
        RecipeKey("image", "The image that is written to the card.", image),
        RecipeKey(
            "hostname", "1 to 63 of a-z, 0-9 and \"-\".", .text(.hostname)),
        RecipeKey(
            "address", "IP address and prefix length, or a list of one IPv4 and one IPv6 address; without it DHCP.",
            .oneOrMore(.text(.nodeAddress))),
        RecipeKey("user", "The user who logs in.", user),
        RecipeKey("wifi", "Wireless networks.", wifi),
        RecipeKey("network", "Gateway and name servers, and the interface they are for.", network),
        RecipeKey("locale", "Time zone, language and keyboard.", locale),
        RecipeKey("docker", "Docker: its installation, configuration and images.", docker),
        RecipeKey("swarm", "The swarm that the node joins, or that the rack forms.", swarm),
        RecipeKey("first_boot", "What else the first boot does.", firstBoot),
        RecipeKey("nodes", "The names of a rack's nodes: \"red[00-04,07]\".", .list(.text())),
        RecipeKey(
            "addresses",
            "The first node's address with its prefix length, or a list of one IPv4 and one IPv6 address; the other nodes "
                + "get the addresses after it.", .oneOrMore(.text(.nodeAddress))),
        RecipeKey("roster", "A CSV file with a row for each node; its columns become variables.", .text()),
        RecipeKey("overrides", "Keys for single nodes, by the node's name.", .free),
    ])

    static let image = RecipeShape.map([
        RecipeKey(
            "source", "Path (relative to this file) of a zip, xz, gz, bz2, zst, lz4, 7z, tar or raw image.",
            .text(.imagePath),
            required: true),
        RecipeKey("sha256", "SHA-256 of that file, checked when given.", .text(.sha256)),
    ])

    static let user = RecipeShape.map([
        RecipeKey(
            "name", "a-z, 0-9 and \"-\", starting with a letter; not root.", .text(.userName),
            required: true),
        RecipeKey("password", "In clear (hashed before it reaches the card) or a crypt(5) hash.", .taggable(.password)),
        RecipeKey(
            "ssh_authorized_keys", "Public keys: one line each, with or without the options of sshd(8).",
            .list(.taggable(.authorizedKeys))),
        RecipeKey("groups", "Groups besides those that the system gives its user.", .list(.text(.groupName))),
        RecipeKey(
            "ssh_password", "Whether ssh takes the password; without it only if there is no key.", .flag),
        RecipeKey(
            "sudo", "How the user becomes root: without a password (default), with it, or not at all.",
            .choice(Node.User.Sudo.allCases.map(\.rawValue))),
    ])

    static let wifi = RecipeShape.map([
        RecipeKey("country", "ISO 3166 alpha-2, capitals.", .text(.country)),
        RecipeKey("networks", "The networks to join.", .list(wifiNetwork), required: true),
    ])

    static let wifiNetwork = RecipeShape.map([
        RecipeKey("ssid", "1 to 32 bytes.", .text(.ssid), required: true),
        RecipeKey(
            "passphrase", "8 to 63 bytes, or 64 hex digits; without it the network is open.",
            .taggable(.passphrase)),
        RecipeKey("hidden", "Whether the network hides its name.", .flag),
    ])

    static let network = RecipeShape.map([
        RecipeKey(
            "interface", "What address, gateway and name servers are for; without it wifi if the recipe has it.",
            .choice(Node.Network.Interface.allCases.map(\.rawValue))),
        RecipeKey(
            "gateway", "IP address, or a list of one IPv4 and one IPv6 address.", .oneOrMore(.text(.gateway))),
        RecipeKey("dns", "IP addresses of name servers.", .list(.text(.nameServer))),
        RecipeKey("proxy", "The proxies of apt, curl, the recipe's commands and dockerd.", proxy),
    ])

    static let locale = RecipeShape.map([
        RecipeKey("timezone", "Europe/Berlin", .text(.timeZone)),
        RecipeKey("lang", "en_GB.UTF-8", .text(.language)),
        RecipeKey("keyboard", "de, or with a variant de(nodeadkeys)", .text(.keyboard)),
    ])

    static let docker = RecipeShape.map([
        RecipeKey(
            "install", "Where Docker comes from if the image has none: auto takes Debian's package.",
            .choice(Node.Docker.Install.allCases.map(\.rawValue))),
        RecipeKey(
            "channel", "What the convenience script installs.", .choice(Node.Docker.Channel.allCases.map(\.rawValue))),
        RecipeKey(
            "packages", "Debian packages (.deb) to install Docker from without a network.", .list(.text(.localPath))),
        RecipeKey("daemon", "Keys of daemon.json, as dockerd spells them.", .free),
        RecipeKey("registry", "A registry mirror.", registry),
        RecipeKey("proxy", "The proxies that dockerd fetches images through, if not network.proxy.", proxy),
        RecipeKey(
            "remote",
            "How the daemon is reached from outside the node; insecure opens port 2375 to everyone, tls is port 2376.",
            .choice(Node.Docker.Remote.allCases.map(\.rawValue))),
        RecipeKey("preload", "Saved images (docker save) that the first boot loads.", .list(.text(.localPath))),
    ])

    static let proxy = RecipeShape.map([
        RecipeKey("http", "The proxy for http:// addresses: http://proxy:8000", .taggable(.proxy)),
        RecipeKey("https", "The proxy for https:// addresses: http://proxy:8000", .taggable(.proxy)),
        RecipeKey("no_proxy", "Hosts, domains and networks that are reached directly.", .list(.text(.directHost))),
    ])

    static let registry = RecipeShape.map([
        RecipeKey("mirror", "http(s)://host[:port]", .text(.mirror), required: true),
        RecipeKey("insecure", "Whether the mirror is reached without TLS.", .flag),
    ])

    static let swarm = RecipeShape.map([
        RecipeKey(
            "mode", "swarm, or classic: Swarm 0.2 with Consul, for images of 2015.",
            .choice(Node.Swarm.Mode.allCases.map(\.rawValue))),
        RecipeKey(
            "managers", "The managers: nodes of the rack, or addresses with or without a port.",
            .list(.text(.manager)),
            required: true),
        RecipeKey(
            "role", "What the node becomes; without it a manager if it is listed in managers.",
            .choice(Node.Swarm.Role.allCases.map(\.rawValue))),
        RecipeKey(
            "token", "The token of a swarm that exists; without it the rack forms its own swarm.",
            .taggable(.joinToken)),
        RecipeKey("availability", "By role: whether nodes get work.", availability),
        RecipeKey("labels", "Node labels, for placement constraints.", .free),
        RecipeKey(
            "address_pool",
            "The networks that the swarm's networks are cut from, /24 each; without it one that suits the rack.",
            .list(.text(.addressPool))),
        RecipeKey(
            "certificates", "How long the nodes' certificates last, in days or hours: 365d, which is the default.",
            .text(.certificateLife)),
        RecipeKey("networks", "Overlay networks that the first manager makes before the stacks.", .list(swarmNetwork)),
        RecipeKey("stacks", "What the first manager deploys.", .list(stack)),
        RecipeKey(
            "consul", "Classic mode: the Consul server; without it the first manager.",
            .text(.manager)),
    ])

    static let availability = RecipeShape.map(
        Node.Swarm.Role.allCases.map {
            RecipeKey(
                $0.rawValue, "active, pause or drain.", .choice(Node.Swarm.Availability.allCases.map(\.rawValue)))
        })

    static let stack = RecipeShape.map([
        RecipeKey("name", "The stack's name.", .text(.stackName), required: true),
        RecipeKey("compose", "Its compose file; relative to this file.", .text(.localPath), required: true),
        RecipeKey("environment", "The values of the compose file's variables, by name.", .taggableMap(.variableValue)),
    ])

    static let swarmNetwork = RecipeShape.map([
        RecipeKey("name", "The network's name, as compose files give it.", .text(.swarmNetworkName), required: true),
        RecipeKey("attachable", "Whether containers outside of services may join it.", .flag),
        RecipeKey("encrypted", "Whether its traffic between nodes is encrypted.", .flag),
        RecipeKey("internal", "Whether it has no way out.", .flag),
        RecipeKey("subnet", "IPv4 network with its prefix length; without it one of the pool.", .text(.subnet)),
    ])

    static let firstBoot = RecipeShape.map([
        RecipeKey("packages", "Debian packages to install.", .list(.text(.packageName))),
        RecipeKey(
            "legacy_archive",
            "Whether packages come from the archive of old releases, for a release whose own archive is gone.",
            .flag),
        RecipeKey("files", "Files to write on the node.", .list(firstBootFile)),
        RecipeKey("run", "Shell commands, run once as root.", .list(.text())),
        RecipeKey(
            "after_swarm", "Shell commands, run once as root on the first manager when all nodes are in the swarm.",
            .list(.text())),
    ])

    static let firstBootFile = RecipeShape.map([
        RecipeKey("path", "Absolute path on the node, or ~/… in the user's home.", .text(.filePath), required: true),
        RecipeKey("content", "What the file contains.", .taggable(.fileContent), required: true),
        RecipeKey("mode", "Permissions as a quoted octal number: \"0644\".", .text(.fileMode)),
        RecipeKey(
            "owner", "A user's name or number; without it the user in the user's home, else root.", .text(.account)),
        RecipeKey("group", "A group's name or number; without it the owner's group.", .text(.account)),
    ])
}
