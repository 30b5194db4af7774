import Diagnostics
import FoundationEssentials
import SystemPackage
import Text

/// Makes a ``Node`` of a merged recipe, collecting every mistake on the way.
struct RecipeDecoder {
    var report = DiagnosticReport()
    /// The docker section, also of a recipe that has mistakes elsewhere.
    var docker: Node.Docker?
    let recipePath: FilePath
    /// Makes a path in a recipe absolute: (path, file that names it).
    let resolve: (String, String) -> String
    let imageExists: (String) -> Bool

    init(
        recipePath: FilePath, resolve: @escaping (String, String) -> String, imageExists: @escaping (String) -> Bool
    ) {
        self.recipePath = recipePath
        self.resolve = resolve
        self.imageExists = imageExists
    }

    mutating func node(from tree: RecipeValue) -> Node? {
        guard let fields = fields(tree, "", .recipe) else { return nil }
        let hostname = text(fields, "hostname")
        if fields["hostname"] == nil { report.error(at: fields.location, "hostname: missing") }
        let image = fields["image"].flatMap { self.image($0) }
        let user = fields["user"].flatMap { self.user($0) }
        if fields["user"] == nil {
            report.warning(
                at: fields.location,
                "user: missing: on systems without a ready-made user nobody will be able to log in")
        }
        let wifi = fields["wifi"].flatMap { self.wifi($0) }
        let address = self.address(fields)
        let network = fields["network"].map { self.network($0, address: address) } ?? Node.Network()
        let locale = fields["locale"].map { self.locale($0) } ?? Node.Locale()
        docker = fields["docker"].map { self.docker($0) }
        let swarm = fields["swarm"].flatMap { self.swarm($0, hostname: hostname?.value, address: address?.value) }
        let firstBoot = fields["first_boot"].map { self.firstBoot($0) } ?? Node.FirstBoot()
        guard let hostname, !report.hasErrors else { return nil }
        var docker = docker ?? Node.Docker()
        docker.proxy = docker.proxy ?? network.proxy
        return Node(
            hostname: hostname, image: image, user: user, wifi: wifi, address: address, network: network,
            locale: locale, docker: docker, swarm: swarm, firstBoot: firstBoot,
            recipeDigest: RecipeDigest.of(tree),
            recipePath: recipePath.string)
    }

    // MARK: Parts

    private mutating func image(_ value: RecipeValue) -> Node.Image? {
        guard let fields = fields(value, "image", .image), var source = text(fields, "source") else { return nil }
        let sum = text(fields, "sha256")
        source.value = resolve(source.value, source.location.file)
        if !imageExists(source.value) {
            report.error(at: source.location, "image.source: there is no file \(source.value)")
        }
        return Node.Image(source: source, sha256: sum.map { Located($0.value.lowercased(), at: $0.location) })
    }

    private mutating func user(_ value: RecipeValue) -> Node.User? {
        guard let fields = fields(value, "user", .user), let name = text(fields, "name") else {
            return nil
        }
        let password = secret(fields, "password")
        let keys = secrets(fields, "ssh_authorized_keys")
        if fields["password"] == nil, keys.isEmpty, fields["ssh_authorized_keys"] == nil || !report.hasErrors {
            report.error(
                at: fields.location,
                "user: nobody could log in: add user.password or user.ssh_authorized_keys")
        }
        return Node.User(
            name: name, password: password, sshAuthorizedKeys: keys, groups: texts(fields, "groups"))
    }

    private mutating func wifi(_ value: RecipeValue) -> Node.WiFi? {
        guard let fields = fields(value, "wifi", .wifi) else { return nil }
        let country = text(fields, "country")
        if fields["country"] == nil {
            report.warning(
                at: fields.location,
                "wifi.country: missing: most systems keep the radio off until they know the country")
        }
        let networks = list(fields, "networks").compactMap { item -> Node.WiFiNetwork? in
            guard let network = self.fields(item, "wifi.networks", .wifiNetwork),
                let ssid = text(network, "ssid")
            else { return nil }
            return Node.WiFiNetwork(
                ssid: ssid, passphrase: secret(network, "passphrase"),
                hidden: flag(network, "hidden") ?? false)
        }
        var seen: Set<String> = []
        for network in networks where !seen.insert(network.ssid.value).inserted {
            report.error(at: network.ssid.location, "wifi.networks: \"\(network.ssid.value)\" appears twice")
        }
        return Node.WiFi(country: country, networks: networks)
    }

    private mutating func address(_ fields: Fields) -> Located<Node.StaticAddress>? {
        guard let text = text(fields, "address"), let network = IPv4Network(text.value) else { return nil }
        return Located(
            Node.StaticAddress(address: network.address.description, prefixLength: network.prefixLength),
            at: text.location)
    }

    private mutating func network(_ value: RecipeValue, address: Located<Node.StaticAddress>?) -> Node.Network {
        guard let fields = fields(value, "network", .network) else { return Node.Network() }
        let gateway = text(fields, "gateway")
        if let gateway, let address, let own = IPv4Network("\(address.value.address)/\(address.value.prefixLength)"),
            let other = IPv4Address(gateway.value), !own.contains(other) || other == own.address
        {
            report.error(at: gateway.location, "network.gateway: \(other) is not another host of \(own)")
        }
        var proxy = fields["proxy"].flatMap { self.proxy($0, "network.proxy") }
        // Most proxies serve both, and few recipes name them twice.
        if let http = proxy?.http, proxy?.https == nil { proxy?.https = http }
        return Node.Network(gateway: gateway, dns: texts(fields, "dns"), proxy: proxy)
    }

    private mutating func locale(_ value: RecipeValue) -> Node.Locale {
        guard let fields = fields(value, "locale", .locale) else { return Node.Locale() }
        let zone = text(fields, "timezone")
        let database = "/usr/share/zoneinfo/"
        if let zone, FileManager.default.fileExists(atPath: database),
            !FileManager.default.fileExists(atPath: database + zone.value)
        {
            report.warning(
                at: zone.location, "locale.timezone: this machine does not know the time zone \"\(zone.value)\"")
        }
        return Node.Locale(timezone: zone, lang: text(fields, "lang"), keyboard: text(fields, "keyboard"))
    }

    private mutating func firstBoot(_ value: RecipeValue) -> Node.FirstBoot {
        guard let fields = fields(value, "first_boot", .firstBoot) else { return Node.FirstBoot() }
        let files = list(fields, "files").compactMap { item -> Node.FirstBoot.File? in
            guard let file = self.fields(item, "first_boot.files", .firstBootFile) else { return nil }
            let path = text(file, "path")
            let content = secret(file, "content")
            let mode = self.mode(file)
            guard let path, let content else { return nil }
            return Node.FirstBoot.File(path: path, content: content, mode: mode)
        }
        var seen: Set<String> = []
        for file in files where !seen.insert(file.path.value).inserted {
            report.error(at: file.path.location, "first_boot.files: \(file.path.value) appears twice")
        }
        let legacyArchive = flag(fields, "legacy_archive").flatMap { flag in
            fields["legacy_archive"].map { Located(flag, at: $0.location) }
        }
        return Node.FirstBoot(
            packages: texts(fields, "packages"), legacyArchive: legacyArchive, files: files, run: texts(fields, "run"))
    }

    /// Permissions: quoted, since YAML readers disagree whether 0644 is octal and 644 never is what it looks like.
    private mutating func mode(_ fields: Fields) -> UInt16 {
        guard let value = fields["mode"] else { return 0o644 }
        guard case .scalar(let text, isPlain: false) = value.content, ValueRule.fileMode.problem(with: text) == nil,
            let mode = UInt16(text, radix: 8)
        else {
            report.error(at: value.location, "first_boot.files.mode: write it as quoted octal digits: \"0644\"")
            return 0o644
        }
        return mode
    }
}
