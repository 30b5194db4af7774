import Diagnostics
public import Images
public import Recipes

/// The stage that turns a node's recipe and an image's profile into what goes on the card. It does no I/O of its own, and
/// the same input gives the same bytes.
public struct Provisioner: Sendable {
    private let saltKey: [UInt8]
    private let flashTime: Int64
    private let image: ImageIdentity?
    private let version: String

    /// - Parameters:
    ///   - saltKey: a secret of the rack; password salts are derived from it, so that they are the same every time.
    ///   - flashTime: seconds since 1970. A card that is configured again takes its record's
    ///     ``CardRecord/writtenAt``, so that nothing changes but what the recipe changes.
    ///   - image: what the card was written from, for its record.
    ///   - piflashVersion: the program's version, for the card's record.
    public init(
        saltKey: [UInt8], flashTime: Int64, image: ImageIdentity? = nil, piflashVersion: String = ""
    ) {
        self.saltKey = saltKey
        self.flashTime = flashTime
        self.image = image
        self.version = piflashVersion
    }

    /// Renders `node` for a card with the boot partition `boot`.
    ///
    /// Throws a `DiagnosticReport` with all that is wrong with the recipe, or a `Failure` when a secret cannot be read or
    /// the boot partition is not a Pi's.
    public func provision(
        _ node: Node, profile: OSProfile, boot: BootSnapshot, secrets: any SecretReading
    ) async throws -> Provision {
        guard let commandLine = boot.files[profile.cmdlinePath] else {
            throw Failure(
                .provisioning, severity: .refused,
                "there is no \(profile.cmdlinePath) on the boot partition: a Pi cannot boot from it",
                hint: "write the image again")
        }
        var kernel = try KernelCommandLine(parsing: commandLine, path: profile.cmdlinePath)
        // A damaged record is no reason to refuse the card: it is written anew.
        let previous = boot.files[CardRecord.path].flatMap { try? CardRecord(decoding: $0) }

        var report = RecipeChecks.report(node, profile: profile)
        let material = try await Material(
            node, profile: profile, saltKey: saltKey, secrets: secrets, report: &report)
        let daemon = DaemonConfiguration(node, profile: profile, report: &report)
        let managers = node.swarm?.managers.compactMap { SwarmAddress.normalized($0, report: &report) }
        let files = commonFiles(node, profile: profile, daemon: daemon, managers: managers)
        let draft = Draft(
            node: node, profile: profile, boot: boot, material: material, files: files + material.files)
        let seed =
            switch profile.flavour {
            case .hypriotCloudInit: HypriotCloudInit.seed(draft)
            case .raspberryPiOSCloudInit: RaspberryPiOSCloudInit.seed(draft)
            case .ubuntuCloudInit: UbuntuCloudInit.seed(draft)
            default:
                throw Failure(
                    .provisioning, severity: .refused, "\(profile.flavour.title) cannot be configured yet")
            }
        RecipeChecks.conflicts(node, ours: seed.nodeFiles, theirs: material.files, report: &report)
        guard !report.hasErrors else { throw report }

        var bootFiles = cloudInitFiles(seed, host: node.hostname.value)
        if let token = material.joinToken {
            bootFiles.append(.init(path: "piflash/join-token", contents: Array((token + "\n").utf8)))
        }
        let managed = bootFiles.map(\.path) + [CardRecord.path]

        kernel.remove(previous?.cmdlineAdded ?? [])
        let added = kernel.append(seed.kernelTokens)
        if kernel.contents != commandLine {
            bootFiles.append(.init(path: profile.cmdlinePath, contents: kernel.contents))
        }
        if let clock = fakeClock(boot) { bootFiles.append(clock) }
        let record = CardRecord(
            node: node.hostname.value, role: node.swarm?.role.rawValue, recipe: lastComponent(node.recipePath),
            recipeDigest: node.recipeDigest, image: image ?? previous?.image, flavour: profile.flavour,
            release: profile.release, writtenAt: flashTime, version: version, files: managed, cmdlineAdded: added)
        bootFiles.append(.init(path: CardRecord.path, contents: record.encoded))

        let nodeFiles = seed.nodeFiles.map { Masking.mark($0, hiding: material.sensitive) }
        // In base64 a secret is part of its whole file.
        let encoded = nodeFiles.filter { !$0.sensitive.isEmpty }.map { CloudConfig.base64($0.contents) }
        let hidden = material.sensitive.union(encoded)
        return Provision(
            bootFiles: bootFiles.map { Masking.mark($0, hiding: hidden) },
            removedBootFiles: (previous?.files ?? []).filter { Self.isRemovable($0) && !managed.contains($0) },
            nodeFiles: nodeFiles, hasPlaceholders: material.hasPlaceholders, warnings: report.warnings)
    }

    private func commonFiles(
        _ node: Node, profile: OSProfile, daemon: DaemonConfiguration?, managers: [String]?
    ) -> [Provision.NodeFile] {
        let settings = FirstBootSettings(
            node: node.hostname.value, bootMountPoint: profile.bootMountPoint, flashTime: flashTime,
            usesDocker: Draft.usesDocker(node), daemon: daemon?.contents, daemonHasHosts: daemon?.hasHosts ?? false,
            managers: managers, advertise: node.address?.value.address, commands: node.firstBoot.run.map(\.value))
        let configuration = daemon.map {
            Provision.NodeFile(path: DaemonConfiguration.path, contents: $0.contents, mode: 0o644)
        }
        return settings.files + [configuration].compactMap { $0 }
    }

    /// user-data, meta-data and network-config. NoCloud looks at a card only when both of the first are there.
    private func cloudInitFiles(_ seed: Seed, host: String) -> [Provision.BootFile] {
        let userData = seed.userData.contents
        let network = seed.networkConfig.map { Array($0.document.utf8) }
        let rest = YAML.map(seed.metaData).document
        // cloud-init does its work again exactly when this changes. The token is not in it: the first-boot program finds
        // a new one by itself, and cloud-init would make new host keys. Spelt with an underscore the key means nothing.
        let digest = digest(of: [userData, network ?? [], Array(rest.utf8)])
        let metaData = "instance-id: piflash-\(host)-\(digest)\n" + (seed.metaData.isEmpty ? "" : rest)
        var files: [Provision.BootFile] = [
            .init(path: "user-data", contents: userData), .init(path: "meta-data", contents: Array(metaData.utf8)),
        ]
        if let network { files.append(.init(path: "network-config", contents: network)) }
        return files
    }

    /// Puts the flashing time in the image's substitute for a clock, unless the node has been running since.
    private func fakeClock(_ boot: BootSnapshot) -> Provision.BootFile? {
        guard let text = boot.text("fake-hwclock.data") else { return nil }
        if let stamp = UTCTime(plain: text), stamp.seconds >= flashTime { return nil }
        return .init(
            path: "fake-hwclock.data", contents: Array((UTCTime(seconds: flashTime).plain + "\n").utf8))
    }

    /// Whether a path from a card's record, which anyone can have edited, is one that piflash may remove.
    private static func isRemovable(_ path: String) -> Bool {
        ["network-config", "piflash/join-token"].contains(path)
    }

    private func lastComponent(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}
