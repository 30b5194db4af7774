package import Diagnostics

extension OSProfile {
    /// Tells what an image is from its boot partition and, where it can be read, its root partition; what piflash cannot
    /// configure is refused by name.
    ///
    /// Without `root`, what the boot partition leaves open is decided by the dates, labels and kernel command lines of
    /// the vendors' releases, or refused when the answers differ in what a card would get.
    package static func detect(_ boot: BootSnapshot, root: RootSnapshot? = nil) throws(Failure) -> OSProfile {
        let flavour = try flavour(of: boot, root: root)
        let system = root?.system
        return OSProfile(
            flavour: flavour, release: release(flavour, boot, root),
            bootMountPoint: bootMountPoint(flavour, boot, root),
            // From Ubuntu 25.10 on, kernel and command line live in the directory of the current boot slot.
            cmdlinePath: flavour == .ubuntuCloudInit && boot.contents(BootPath.currentCommandLine) != nil
                ? BootPath.currentCommandLine : BootPath.commandLine,
            architecture: architecture(flavour, boot, root), hasBooted: hasBooted(flavour, boot, root), system: system,
            initSystem: root?.initSystem, network: root.flatMap { networkStack(flavour, $0) },
            docker: docker(flavour, boot, root),
            cloudInitVersion: root?.version(of: "cloud-init").flatMap(PackageVersion.upstream))
    }

    // MARK: Flavour

    private static func flavour(of boot: BootSnapshot, root: RootSnapshot?) throws(Failure) -> Flavour {
        var flavour: Flavour
        if let recorded = boot.recordedFlavour { flavour = recorded } else { flavour = try marked(boot, root: root) }
        // custom.toml is read once, by the program that the command line starts instead of init.
        if flavour == .raspberryPiOSCustomTOML, !boot.commandLine.contains(where: { $0.hasPrefix("init=") }) {
            flavour = .raspberryPiOSFirstRun
        }
        // `systemd.run=` came with systemd 240 (systemd NEWS); an older one would wait for a target that does not exist.
        if flavour == .raspberryPiOSFirstRun, let initSystem = root?.initSystem,
            initSystem.kind != .systemd || initSystem.major.map({ $0 < 240 }) ?? false
        {
            flavour = .raspbian
        }
        return flavour
    }

    /// The flavour by its marks. They are tried in an order in which the more telling comes first: HypriotOS's files also
    /// stand on images that were derived from it, `issue.txt` on everything that pi-gen builds.
    private static func marked(_ boot: BootSnapshot, root: RootSnapshot?) throws(Failure) -> Flavour {
        let hypriot = HypriotRelease.version(boot, root)
        let readsDeviceInit = root?.has(RootPath.deviceInit)
        let isHypriot = hypriot != nil || boot.label?.lowercased() == "hypriotos"
        // The file may have been put on a later release by mistake; its root partition knows who would read it.
        let readsSeedInstead = readsDeviceInit == false && root?.version(of: "cloud-init") != nil
        if boot.has(BootPath.deviceInit) && !readsSeedInstead || isHypriot && readsDeviceInit == true {
            return .hypriotDeviceInit
        }
        if boot.has(BootPath.userData) && hypriot != nil || boot.hasSeed && isHypriot || isHypriot && readsSeedInstead {
            return .hypriotCloudInit
        }
        if boot.has(BootPath.occidentalis) || root?.has(RootPath.hypriotRelease) == true { return .hypriotOccidentalis }
        if boot.label?.lowercased() == "system-boot" || boot.commandLine.contains("root=LABEL=writable")
            || boot.text(BootPath.readme)?.contains("Ubuntu Server for Raspberry Pi") ?? false
            || root?.system?.id == "ubuntu"
        {
            return .ubuntuCloudInit
        }
        if boot.has(BootPath.dietPi) || root?.has(RootPath.dietPiDirectory) == true { return .dietPi }
        if boot.has(BootPath.sysconf) || boot.label == "RASPIFIRM" || root?.has(RootPath.raspiImageID) == true {
            return .debianRaspi
        }
        if boot.has("apks/"), boot.has(".alpine-release") { throw unsupported("Alpine Linux (diskless)") }
        if boot.label?.uppercased() == "EFI-SYSTEM" { throw unsupported("Fedora CoreOS or IoT") }
        if let image = PiGenImage(boot, root: root) { return try flavour(of: image, root: root) }
        throw unknown(boot, root: root)
    }

    private static func flavour(of image: PiGenImage, root: RootSnapshot?) throws(Failure) -> Flavour {
        if let codename = root?.system?.codename {
            guard let release = DebianRelease(rawValue: codename) else {
                throw unsupported("an image built by pi-gen from a release it does not know (\(codename))")
            }
            return image.flavour(of: release)
        }
        guard let release = image.likelyRelease else {
            throw Failure(
                .unsupportedFlavour, severity: .refused,
                "this image is Raspbian or Raspberry Pi OS up to bullseye, of a release that nothing on its boot partition tells",
                hint: needsRoot)
        }
        return image.flavour(of: release)
    }

    // MARK: Refusals

    private static let needsRoot = "its root partition would tell, but could not be read"

    private static func unsupported(_ name: String) -> Failure {
        Failure(
            .unsupportedFlavour, severity: .refused, "this image is \(name), which piflash cannot configure yet",
            hint: "supported: " + Flavour.allCases.map(\.title).joined(separator: ", "))
    }

    private static func unknown(_ boot: BootSnapshot, root: RootSnapshot?) -> Failure {
        if boot.hasFirmware {
            let name = root?.system.map { " (\($0.prettyName ?? $0.id))" } ?? ""
            return Failure(
                .unsupportedFlavour, severity: .refused,
                "this image is an image for the Raspberry Pi of a kind piflash does not know\(name)",
                hint: root == nil
                    ? needsRoot : "supported: " + Flavour.allCases.map(\.title).joined(separator: ", "))
        }
        let seen = boot.names.sorted().prefix(8).joined(separator: ", ")
        return Failure(
            .unsupportedFlavour, severity: .refused,
            "nothing on the boot partition tells which system this is (label \"\(boot.label ?? "none")\"; \(seen.isEmpty ? "no files" : seen))",
            hint: "is this an image for the Raspberry Pi?")
    }
}

extension Failure.Code {
    /// An image whose first-boot mechanism piflash does not know, or not yet.
    package static let unsupportedFlavour = Failure.Code("images.unsupported-flavour")
}
