import Crypto
import Diagnostics
import FoundationEssentials
import SystemPackage

/// Makes a ``Node`` of a merged recipe, collecting every mistake on the way.
struct RecipeDecoder {
    var report = DiagnosticReport()
    let recipePath: FilePath
    /// Makes a path in a recipe absolute: (path, file that names it).
    let resolve: (String, String) -> String
    let imageExists: (String) -> Bool
    /// What is wrong with a docker section whatever the version.
    let judge: (Node.Docker) -> DiagnosticReport

    init(
        recipePath: FilePath, resolve: @escaping (String, String) -> String, imageExists: @escaping (String) -> Bool,
        judge: @escaping (Node.Docker) -> DiagnosticReport
    ) {
        self.recipePath = recipePath
        self.resolve = resolve
        self.imageExists = imageExists
        self.judge = judge
    }

    mutating func node(from tree: RecipeValue) -> Node? {
        guard let fields = fields(tree, "", .recipe) else { return nil }
        let hostname = text(fields, "hostname", ValueRules.hostname)
        if fields["hostname"] == nil { report.error(at: fields.location, "hostname: missing") }
        let image = fields["image"].flatMap { self.image($0) }
        let user = fields["user"].flatMap { self.user($0) }
        if fields["user"] == nil {
            report.warning(
                at: fields.location,
                "user: missing: on systems without a ready-made user nobody will be able to log in")
        }
        let wifi = fields["wifi"].flatMap { self.wifi($0) }
        let address = fields["address"].flatMap { self.address($0) }
        let network = fields["network"].map { self.network($0, address: address) } ?? Node.Network()
        let locale = fields["locale"].map { self.locale($0) } ?? Node.Locale()
        let docker = fields["docker"].map { self.docker($0) } ?? Node.Docker()
        let swarm = fields["swarm"].flatMap { self.swarm($0, hostname: hostname?.value, address: address?.value) }
        let firstBoot = fields["first_boot"].map { self.firstBoot($0) } ?? Node.FirstBoot()
        guard let hostname, !report.hasErrors else { return nil }
        return Node(
            hostname: hostname, image: image, user: user, wifi: wifi, address: address, network: network,
            locale: locale,
            docker: docker, swarm: swarm, firstBoot: firstBoot, recipeDigest: RecipeDigest.of(tree),
            recipePath: recipePath.string)
    }

    // MARK: Parts

    private mutating func image(_ value: RecipeValue) -> Node.Image? {
        guard let fields = fields(value, "image", .image), var source = text(fields, "source") else { return nil }
        let sum = text(fields, "sha256") {
            $0.wholeMatch(of: /[0-9A-Fa-f]{64}/) == nil ? "\"\($0)\" is no SHA-256 (64 hex digits)" : nil
        }
        if source.value.contains("://") {
            report.error(
                at: source.location,
                "image.source: \"\(source.value)\" is a URL: fetch it (`curl -LO …`), and name the file here")
        } else {
            source.value = resolve(source.value, source.location.file)
            if !imageExists(source.value) {
                report.error(at: source.location, "image.source: there is no file \(source.value)")
            }
        }
        return Node.Image(source: source, sha256: sum.map { Located($0.value.lowercased(), at: $0.location) })
    }

    private mutating func user(_ value: RecipeValue) -> Node.User? {
        guard let fields = fields(value, "user", .user), let name = text(fields, "name", ValueRules.userName) else {
            return nil
        }
        let password = secret(fields, "password", ValueRules.password)
        let keys = list(fields, "ssh_authorized_keys").compactMap {
            secret($0, "user.ssh_authorized_keys", ValueRules.sshPublicKey)
        }
        if fields["password"] == nil, keys.isEmpty, fields["ssh_authorized_keys"] == nil || !report.hasErrors {
            report.error(
                at: fields.location,
                "user: nobody could log in: give user.password or user.ssh_authorized_keys")
        }
        return Node.User(
            name: name, password: password, sshAuthorizedKeys: keys,
            groups: list(fields, "groups").compactMap { text($0, "user.groups", ValueRules.groupName) })
    }

    private mutating func wifi(_ value: RecipeValue) -> Node.WiFi? {
        guard let fields = fields(value, "wifi", .wifi) else { return nil }
        let country = text(fields, "country", ValueRules.country)
        if fields["country"] == nil {
            report.warning(
                at: fields.location,
                "wifi.country: missing: most systems keep the radio off until they know the country")
        }
        let networks = list(fields, "networks").compactMap { item -> Node.WiFiNetwork? in
            guard let network = self.fields(item, "wifi.networks", .wifiNetwork),
                let ssid = text(network, "ssid", ValueRules.ssid)
            else { return nil }
            return Node.WiFiNetwork(
                ssid: ssid, passphrase: secret(network, "passphrase", ValueRules.passphrase),
                hidden: flag(network, "hidden") ?? false)
        }
        var seen: Set<String> = []
        for network in networks where !seen.insert(network.ssid.value).inserted {
            report.error(at: network.ssid.location, "wifi.networks: \"\(network.ssid.value)\" stands there twice")
        }
        return Node.WiFi(country: country, networks: networks)
    }

    private mutating func address(_ value: RecipeValue) -> Located<Node.StaticAddress>? {
        guard let text = text(value, "address") else { return nil }
        let parts = text.value.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let bits = ValueRules.ipv4(parts[0]), let length = Int(parts[1]),
            (1...30).contains(length)
        else {
            report.error(
                at: text.location,
                "address: \"\(text.value)\" is no IPv4 address with its prefix length (192.168.50.11/24)")
            return nil
        }
        let host = UInt32.max >> UInt32(length)
        if bits & host == 0 || bits & host == host {
            report.error(at: text.location, "address: \(parts[0]) is the network's own or its broadcast address")
            return nil
        }
        return Located(Node.StaticAddress(address: parts[0], prefixLength: length), at: text.location)
    }

    private mutating func network(_ value: RecipeValue, address: Located<Node.StaticAddress>?) -> Node.Network {
        guard let fields = fields(value, "network", .network) else { return Node.Network() }
        let gateway = text(fields, "gateway") {
            ValueRules.ipv4($0) == nil ? "\"\($0)\" is no IPv4 address" : nil
        }
        if let gateway, let address, let own = ValueRules.ipv4(address.value.address),
            let other = ValueRules.ipv4(gateway.value)
        {
            let mask = ~(UInt32.max >> UInt32(address.value.prefixLength))
            if own & mask != other & mask || own == other {
                report.error(
                    at: gateway.location,
                    "network.gateway: \(gateway.value) is not another host of \(address.value.address)/\(address.value.prefixLength)"
                )
            }
        }
        return Node.Network(
            gateway: gateway,
            dns: list(fields, "dns").compactMap {
                text($0, "network.dns") { ValueRules.isIPAddress($0) ? nil : "\"\($0)\" is no IP address" }
            })
    }

    private mutating func locale(_ value: RecipeValue) -> Node.Locale {
        guard let fields = fields(value, "locale", .locale) else { return Node.Locale() }
        let zone = text(fields, "timezone") {
            $0.wholeMatch(of: /[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*/) == nil
                ? "\"\($0)\" is no time zone (Europe/Berlin)" : nil
        }
        let database = "/usr/share/zoneinfo/"
        if let zone, FileManager.default.fileExists(atPath: database),
            !FileManager.default.fileExists(atPath: database + zone.value)
        {
            report.warning(at: zone.location, "locale.timezone: this machine knows no time zone \"\(zone.value)\"")
        }
        return Node.Locale(
            timezone: zone,
            lang: text(fields, "lang") {
                $0.wholeMatch(of: /[a-z]{2,3}(_[A-Z]{2})?(\.[A-Za-z0-9-]+)?(@[a-z]+)?|C(\.UTF-8)?|POSIX/) == nil
                    ? "\"\($0)\" is no locale (en_GB.UTF-8)" : nil
            },
            keyboard: text(fields, "keyboard") {
                $0.wholeMatch(of: /[a-z]{2,8}/) == nil ? "\"\($0)\" is no keyboard layout (de, gb, us)" : nil
            })
    }

    private mutating func firstBoot(_ value: RecipeValue) -> Node.FirstBoot {
        guard let fields = fields(value, "first_boot", .firstBoot) else { return Node.FirstBoot() }
        let packages = list(fields, "packages").compactMap {
            text($0, "first_boot.packages") {
                $0.wholeMatch(of: /[a-z0-9][a-z0-9+.-]+(=[A-Za-z0-9.+:~-]+)?/) == nil
                    ? "\"\($0)\" is no package name" : nil
            }
        }
        let files = list(fields, "files").compactMap { item -> Node.FirstBoot.File? in
            guard let file = self.fields(item, "first_boot.files", .firstBootFile) else { return nil }
            let path = text(file, "path") {
                !$0.hasPrefix("/") || $0.hasSuffix("/") || $0.split(separator: "/").contains("..")
                    ? "\"\($0)\" is no absolute path of a file" : nil
            }
            let content = secret(file, "content")
            let mode = self.mode(file)
            guard let path, let content else { return nil }
            return Node.FirstBoot.File(path: path, content: content, mode: mode)
        }
        return Node.FirstBoot(
            packages: packages, files: files, run: list(fields, "run").compactMap { text($0, "first_boot.run") })
    }

    /// Permissions: quoted, since YAML readers disagree whether 0644 is octal and 644 never is what it looks like.
    private mutating func mode(_ fields: Fields) -> UInt16 {
        guard let value = fields["mode"] else { return 0o644 }
        guard case .scalar(let text, let isPlain) = value.content, !isPlain,
            text.wholeMatch(of: /0?[0-7]{3}/) != nil, let mode = UInt16(text, radix: 8)
        else {
            report.error(at: value.location, "first_boot.files.mode: write it as quoted octal digits: \"0644\"")
            return 0o644
        }
        return mode
    }
}
