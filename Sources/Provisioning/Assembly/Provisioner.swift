import Diagnostics
import Docker
package import Recipes
package import Systems
import Text
import Text

/// The stage that turns a node's recipe and an image's profile into what goes on the card. It does no I/O, and the same
/// input gives the same bytes.
package struct Provisioner: Sendable {
    private let saltKey: [UInt8]
    private let rackKeys: RackKeys
    private let flashTime: Int64
    private let image: ImageIdentity?
    private let version: String

    /// - Parameters:
    ///   - saltKey: a secret of the rack; password salts are derived from it, so that they are the same every time.
    ///   - rackKeys: the keys with which the rack's nodes form a swarm by themselves.
    ///   - flashTime: seconds since 1970. A card that is configured again takes its record's
    ///     ``CardRecord/writtenAt``, so that only what the recipe changes is different.
    ///   - image: the image that the card was written from, for its record.
    ///   - piflashVersion: the program's version, for the card's record.
    package init(
        saltKey: [UInt8], rackKeys: RackKeys = .placeholders, flashTime: Int64, image: ImageIdentity? = nil,
        piflashVersion: String = ""
    ) {
        self.saltKey = saltKey
        self.rackKeys = rackKeys
        self.flashTime = flashTime
        self.image = image
        self.version = piflashVersion
    }

    /// Renders `node` for a card with the boot partition `boot`.
    ///
    /// `root` is the card's root partition, or nil if only the boot partition is available: then a recipe that needs more
    /// is refused.
    ///
    /// `supplies` holds the contents of the files that the recipe names, and the node's certificate if it gets one.
    ///
    /// Throws a `DiagnosticReport` with all problems of the recipe, or a `Failure` if a secret cannot be read or the boot
    /// partition is not a Pi's.
    package func provision(
        _ node: Node, profile: OSProfile, boot: BootSnapshot, root: RootSnapshot? = nil,
        supplies: Supplies = Supplies(), secrets: any SecretReading
    ) async throws -> Provision {
        guard let commandLine = boot.contents(profile.cmdlinePath) else {
            throw Failure(
                .provisioning, severity: .refused,
                "there is no \(profile.cmdlinePath) on the boot partition: a Pi cannot boot from it",
                hint: "write the image again")
        }
        let kernel = try KernelCommandLine(parsing: commandLine, path: profile.cmdlinePath)
        // A damaged record is not a reason to refuse the card: it is written again.
        let previous = boot.recordOfAll

        let named = node.swarm?.stacks.count ?? 0
        guard supplies.stacks.count == named else {
            throw Failure(.provisioning, "\(supplies.stacks.count) of \(named) stacks were read")
        }
        let node = try await node.readingProxies(by: secrets)
        var report = RecipeChecks.report(node, profile: profile, root: root)
        SupplyChecks.check(supplies, node, profile: profile, report: &report)
        let material = try await Material(
            node, profile: profile, root: root, saltKey: saltKey, keys: rackKeys, stacks: supplies.stacks,
            secrets: secrets,
            report: &report)
        let supplied = SuppliedFiles(supplies, root: root)
        FileChecks.check(node, profile: profile, boot: boot, root: root, previous: previous, report: &report)
        let files = RecipeFiles(node, read: material.files)
        let daemon = DaemonFiles(node, profile: profile, root: root, report: &report)
        let cluster = Cluster.part(of: node, material: material, keys: rackKeys, report: &report)
        var settings = settings(
            node, profile: profile, material: material, supplies: supplies, carried: supplied.carried, cluster: cluster,
            daemon: daemon, staged: files.staged, report: &report)
        settings.wipesBootPartition = !Draft.edits(root) || previous?.bootSecrets == true
        let draft = Draft(
            node: node, profile: profile, boot: boot, root: root, material: material, flashTime: flashTime,
            dockerOptions: daemon.options, takesOverFirstUser: profile.flavour.takesOverFirstUser(root),
            needsOpenSSH: cluster?.needsOpenSSH == true,
            files: settings.files + (settings.proxy?.files ?? []) + daemon.files + files.staged.nodeFiles
                + files.direct)
        var rendering = profile.flavour.renderer.render(draft, report: &report)
        rendering.bootFiles += cluster?.bootFiles ?? []
        RecipeChecks.bootConflicts(node, rendering, report: &report)
        rendering.bootFiles += files.boot
        rendering.rootEdits += supplied.edits
        if draft.editsRoot { rendering.rootEdits += cluster?.rootEdits ?? [] }
        RecipeChecks.conflicts(node, rendering, theirs: files.direct, report: &report)
        guard !report.hasErrors else { throw report }
        if node.docker.remote?.value == .tls, supplies.certificate == nil {
            throw Failure(.provisioning, "\(node.hostname.value) has no certificate for docker.remote: tls")
        }
        let card = CardAssembly(
            draft: draft, rendering: rendering, cluster: cluster, supplied: supplied, installed: files.staged.installed,
            kernel: kernel, previous: previous,
            recordDigest: KeyedDigest(secret: saltKey, purpose: "piflash card record 2"),
            hasBootSecrets: settings.wipesBootPartition)
        return card.provision(image: image, version: version, warnings: report.warnings)
    }

    /// What the first-boot program has to do.
    private func settings(
        _ node: Node, profile: OSProfile, material: Material, supplies: Supplies, carried: [CarriedFile],
        cluster: (any Orchestration)?, daemon: DaemonFiles, staged: StagedFiles, report: inout DiagnosticReport
    ) -> FirstBootSettings {
        var settings = FirstBootSettings(
            node: node.hostname.value, bootMountPoint: profile.bootMountPoint, flashTime: flashTime,
            usesDocker: node.usesDocker, daemon: daemon.configuration, daemonHasHosts: daemon.hasHosts,
            managers: cluster?.managers, advertise: cluster?.ownAddress ?? node.ipv4Address,
            commands: node.firstBoot.run.map(\.value))
        settings.daemonHasProxy = daemon.hasProxyDropIn
        settings.rack = node.rack
        settings.stagedFiles = staged.digest
        settings.installation = DockerInstallation.of(node, profile: profile, report: &report)
        PackageChecks.check(node, profile: profile, installation: settings.installation, report: &report)
        settings.proxy = NodeProxy(node)
        if node.firstBoot.legacyArchive?.value == true {
            settings.legacyArchive = PackageArchive.gone(profile)?.legacy
        }
        settings.channel = node.docker.channel?.value ?? .stable
        settings.isARMv6 = profile.architecture == "armv6"
        settings.carried = carried
        settings.certificate = supplies.certificate
        let isMember = node.user?.groups.contains { $0.value == "docker" } ?? false
        // A member of that group can become root: not a user whom the recipe keeps from that.
        let installs = settings.installation != nil || !node.docker.packages.isEmpty
        if isMember || node.docker.remote?.value == .ssh || installs && node.user?.sudoMode == .passwordless {
            settings.dockerUser = node.user?.name.value
        }
        if node.swarm?.mode == .swarm { settings.kernelPackage = KernelNeeds.package(for: profile) }
        settings.orchestration = cluster?.settings ?? []
        if (cluster as? SwarmFormation)?.isFirst == true {
            settings.swarmCommands = node.firstBoot.afterSwarm.map(\.value)
        }
        let facts = profile.flavour.facts
        settings.hasSeed = facts.hasCloudInit
        settings.lockedAccounts = facts.seededAccounts
        if let user = node.user {
            settings.account = FirstBootSettings.Account(
                name: user.name.value, groups: user.groups.map(\.value).filter { $0 != "docker" },
                passwordHash: material.passwordHash, keys: material.authorizedKeys,
                takeover: facts.renamesFirstUser ? material.allowsPasswordLogin : nil, sudo: user.sudoMode)
        }
        // Also where the system's own first boot makes the locale: if that was cut short, it does not do so again.
        settings.language = node.locale.lang?.value
        if !facts.switchesRadioOn { settings.usesWiFi = !material.accessPoints.isEmpty }
        if !facts.installsPackages { settings.packages = node.firstBoot.packages.map(\.value) }
        return settings
    }
}
