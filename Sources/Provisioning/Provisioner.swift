package import Systems
import Text
import Diagnostics
import Docker
import Filesystems
package import Recipes

/// The stage that turns a node's recipe and an image's profile into what goes on the card. It does no I/O of its own, and
/// the same input gives the same bytes.
package struct Provisioner: Sendable {
    private let saltKey: [UInt8]
    private let rackKeys: RackKeys
    private let flashTime: Int64
    private let image: ImageIdentity?
    private let version: String

    /// - Parameters:
    ///   - saltKey: a secret of the rack; password salts are derived from it, so that they are the same every time.
    ///   - rackKeys: what the rack's nodes find together with, when they form a swarm by themselves.
    ///   - flashTime: seconds since 1970. A card that is configured again takes its record's
    ///     ``CardRecord/writtenAt``, so that nothing changes but what the recipe changes.
    ///   - image: what the card was written from, for its record.
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
    /// `root` is the card's root partition, or nil where only the boot partition is at hand: then a recipe is refused that
    /// needs more than that.
    ///
    /// `supplies` is what the recipe only names, read, and the node's certificate when it is to have one.
    ///
    /// Throws a `DiagnosticReport` with all that is wrong with the recipe, or a `Failure` when a secret cannot be read or
    /// the boot partition is not a Pi's.
    package func provision(
        _ node: Node, profile: OSProfile, boot: BootSnapshot, root: RootSnapshot? = nil,
        supplies: Supplies = Supplies(), secrets: any SecretReading
    ) async throws -> Provision {
        guard let commandLine = boot.files[profile.cmdlinePath] else {
            throw Failure(
                .provisioning, severity: .refused,
                "there is no \(profile.cmdlinePath) on the boot partition: a Pi cannot boot from it",
                hint: "write the image again")
        }
        let kernel = try KernelCommandLine(parsing: commandLine, path: profile.cmdlinePath)
        // A damaged record is no reason to refuse the card: it is written anew.
        let previous = boot.files[CardRecord.path].flatMap { try? CardRecord(decoding: $0) }

        var report = RecipeChecks.report(node, profile: profile, root: root)
        SupplyChecks.check(supplies, node, profile: profile, report: &report)
        let material = try await Material(
            node, profile: profile, saltKey: saltKey, keys: rackKeys, secrets: secrets, report: &report)
        let supplied = SuppliedFiles(supplies, root: root)
        let draft = draft(
            node, profile: profile, boot: boot, root: root, material: material, supplies: supplies,
            carried: supplied.carried, report: &report)
        var rendering = profile.flavour.renderer.render(draft, report: &report)
        rendering.rootEdits += supplied.edits
        if let root, root.obstacle == nil { rendering.rootEdits += draft.formation?.edits ?? [] }
        RecipeChecks.conflicts(node, rendering, theirs: material.files, report: &report)
        guard !report.hasErrors else { throw report }
        if node.docker.remote?.value == .tls, supplies.certificate == nil {
            throw Failure(.provisioning, "\(node.hostname.value) has no certificate for docker.remote: tls")
        }
        return assemble(
            rendering, draft, supplies: supplies, taken: supplied.taken, kernel: kernel, previous: previous,
            warnings: report.warnings)
    }

    private func draft(
        _ node: Node, profile: OSProfile, boot: BootSnapshot, root: RootSnapshot?, material: Material,
        supplies: Supplies, carried: [CarriedFile], report: inout DiagnosticReport
    ) -> Draft {
        let daemon = DaemonConfiguration(node, profile: profile, root: root, report: &report)
        let options = daemon.flatMap { $0.options(profile, docker: node.docker, report: &report) }
        let dropIns = daemon?.dropIns(profile, options: options) ?? []
        let isFile = options?.words == nil
        var configuration = isFile ? daemon?.contents : options?.edited(nil)
        // Other proxies are another configuration: dockerd is to be started with them.
        if let environment = daemon?.environment { configuration? += Array(environment.dropIn.utf8) }
        let formation = SwarmFormation(node, material: material, keys: rackKeys, report: &report)
        let classic = ClassicSwarm(node)
        let managers =
            formation?.managers ?? classic?.managers
            ?? node.swarm?.managers.compactMap { SwarmAddress.normalized($0, report: &report) }
        var settings = FirstBootSettings(
            node: node.hostname.value, bootMountPoint: profile.bootMountPoint, flashTime: flashTime,
            usesDocker: Draft.usesDocker(node), daemon: configuration,
            daemonHasHosts: isFile && daemon?.hasHosts == true, managers: managers,
            advertise: formation?.ownAddress ?? classic?.ownAddress ?? node.address?.value.address,
            commands: node.firstBoot.run.map(\.value))
        settings.daemonHasProxy = dropIns.contains { $0.path == DaemonConfiguration.proxyDropIn }
        settings.rack = node.rack
        settings.installation = DockerInstallation.of(node, profile: profile, report: &report)
        settings.channel = node.docker.channel?.value ?? .stable
        settings.isARMv6 = profile.architecture == "armv6"
        settings.carried = carried
        settings.certificate = supplies.certificate
        let isMember = node.user?.groups.contains { $0.value == "docker" } ?? false
        if isMember || settings.installation != nil || !node.docker.packages.isEmpty
            || node.docker.remote?.value == .ssh
        {
            settings.dockerUser = node.user?.name.value
        }
        settings.formation = formation
        settings.classic = classic
        if !profile.flavour.usesCloudInit {
            settings.language = node.locale.lang?.value
            settings.usesWiFi = !material.accessPoints.isEmpty
            if profile.flavour != .dietPi { settings.packages = node.firstBoot.packages.map(\.value) }
        }
        var files = settings.files
        if let daemon, isFile {
            files.append(.init(path: DaemonConfiguration.path, contents: daemon.contents, mode: 0o644))
        }
        files += dropIns
        return Draft(
            node: node, profile: profile, boot: boot, root: root, material: material, flashTime: flashTime,
            daemon: daemon, dockerOptions: options, formation: formation, files: files + material.files)
    }

    /// Adds what every card gets, and leaves out what an earlier configuration of this card has brought already.
    private func assemble(
        _ rendering: Rendering, _ draft: Draft, supplies: Supplies, taken: [String], kernel: KernelCommandLine,
        previous: CardRecord?, warnings: [Diagnostic]
    ) -> Provision {
        let (node, profile, boot, material) = (draft.node, draft.profile, draft.boot, draft.material)
        var bootFiles = rendering.bootFiles
        if let token = material.joinToken {
            bootFiles.append(.init(path: "piflash/join-token", contents: Array((token + "\n").utf8)))
        }
        let managed = bootFiles.map(\.path) + [CardRecord.path]
        var consumed = Dictionary(
            uniqueKeysWithValues: bootFiles.filter(\.isConsumed).map { ($0.path, digest(of: [$0.contents])) })
        // Our own record says that the file was there, and the first boot has taken it away.
        let applied = consumed.filter { previous?.consumed[$0.key] == $0.value && !boot.has($0.key) }
        bootFiles.removeAll { applied[$0.path] != nil }
        let started = FirstRunScript.kernelTokens(profile)
        let isStarted = applied[FirstRunScript.name] != nil

        var edited = kernel
        edited.remove(previous?.cmdlineAdded ?? [])
        let added = edited.append(rendering.kernelTokens.filter { !isStarted || !started.contains($0) })
        if edited != kernel || boot.files[profile.cmdlinePath] != edited.contents {
            bootFiles.append(.init(path: profile.cmdlinePath, contents: edited.contents))
        }
        if let clock = fakeClock(boot) { bootFiles.append(clock) }

        var edits = rendering.rootEdits
        if let formation = draft.formation, let root = draft.root {
            let used = formation.consumed
            consumed.merge(used) { $1 }
            edits.removeAll {
                used[$0.path] != nil && previous?.consumed[$0.path] == used[$0.path] && !root.has($0.path)
            }
        }
        // Only the clock's file has a time of its own, which a node that has been running has moved on.
        if previous?.writtenAt == flashTime { edits.removeAll { $0.modified != nil } }
        // Also those that the first boot has taken away.
        var rootFiles = (rendering.rootEdits.map(\.path) + taken).filter(Self.isRemovableRootFile).sorted()
        if let root = draft.root, root.obstacle == nil {
            let stale = (previous?.rootFiles ?? []).filter { Self.isRemovableRootFile($0) && !rootFiles.contains($0) }
            edits += stale.map { RootEdit(.removal, at: $0) }
        } else {
            // They are still there.
            rootFiles = previous?.rootFiles ?? []
        }
        let record = CardRecord(
            node: node.hostname.value, role: node.swarm?.role.rawValue, recipe: lastComponent(node.recipePath),
            recipeDigest: node.recipeDigest, image: image ?? previous?.image, flavour: profile.flavour,
            release: profile.release, writtenAt: flashTime, version: version, files: managed,
            cmdlineAdded: added + (isStarted ? started : []), rootFiles: rootFiles, consumed: consumed)
        bootFiles.append(.init(path: CardRecord.path, contents: record.encoded))

        let nodeFiles = rendering.nodeFiles.map { Masking.mark($0, hiding: material.sensitive) }
        // In base64 a secret is part of its whole file.
        let encoded = nodeFiles.filter { !$0.sensitive.isEmpty }.flatMap {
            [CloudConfig.base64($0.contents), FirstRunScript.encoded($0.contents)]
        }
        let hidden = material.sensitive.union(encoded)
        return Provision(
            bootFiles: bootFiles.map { Masking.mark($0, hiding: hidden) },
            rootChanges: edits.map { edit in
                // What is carried may be large, and holds no secret of the recipe's.
                SuppliedFiles.owns(edit.path)
                    ? .init(edit, sensitive: Set([supplies.certificate?.key].compactMap { $0 }))
                    : Masking.mark(edit, hiding: material.sensitive)
            },
            removedBootFiles: (previous?.files ?? []).filter { Self.isRemovable($0) && !managed.contains($0) },
            nodeFiles: nodeFiles,
            hasPlaceholders: material.hasPlaceholders || supplies.certificate?.isPlaceholder == true, warnings: warnings
        )
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
        [
            "network-config", "piflash/join-token", "wpa_supplicant.conf", "custom.toml", "userconf.txt",
            FirstRunScript.name, "dietpi-wifi.txt",
        ].contains(path)
    }

    private static func isRemovableRootFile(_ path: String) -> Bool {
        [DaemonConfiguration.proxyDropIn, DaemonConfiguration.optionsDropIn].contains(path)
            || (path.hasPrefix(NetworkManagerKeyfile.directory + "/piflash-") || SuppliedFiles.owns(path))
                && !path.contains("..")
            || SwarmFormation.paths.contains(path) || isStack(path)
    }

    private static func isStack(_ path: String) -> Bool {
        let prefix = SwarmFormation.stacksDirectory + "/"
        return path.hasPrefix(prefix) && path.hasSuffix(".yml") && !path.dropFirst(prefix.count).contains("/")
    }

    private func lastComponent(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}
