import Diagnostics
import FoundationEssentials
import SystemPackage
import Text

/// Makes a ``Node`` of a merged recipe, collecting every mistake on the way.
struct RecipeDecoder {
    var report = DiagnosticReport()
    /// The docker section, also of a recipe that has mistakes elsewhere.
    var docker: Node.Docker?
    /// The files of the first boot, also of a recipe that has mistakes elsewhere.
    var files: [Node.FirstBoot.File] = []
    /// The same for the swarm section.
    var swarm: Node.Swarm?
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
        let addresses = self.addresses(fields)
        let network = fields["network"].map { self.network($0, addresses: addresses, wifi: wifi) } ?? Node.Network()
        checkInterface(addresses: addresses, network: network, wifi: wifi)
        let locale = fields["locale"].map { self.locale($0) } ?? Node.Locale()
        docker = fields["docker"].map { self.docker($0) }
        let swarm = fields["swarm"].flatMap {
            self.swarm($0, hostname: hostname?.value, addresses: addresses.map(\.value))
        }
        self.swarm = swarm
        let firstBoot = fields["first_boot"].map { self.firstBoot($0, user: user?.name.value) } ?? Node.FirstBoot()
        files = firstBoot.files
        if let command = firstBoot.afterSwarm.first, swarm?.isFormed != true {
            report.error(
                at: command.location,
                "first_boot.after_swarm: only for a swarm that the rack forms, without swarm.token; write first_boot.run"
            )
        }
        guard let hostname, !report.hasErrors else { return nil }
        var docker = docker ?? Node.Docker()
        docker.proxy = docker.proxy ?? network.proxy
        var node = Node(
            hostname: hostname, image: image, user: user, wifi: wifi, network: network, locale: locale,
            docker: docker, swarm: swarm, firstBoot: firstBoot, recipeDigest: RecipeDigest.of(tree),
            recipePath: recipePath.string)
        node.addresses = addresses
        return node
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
}
