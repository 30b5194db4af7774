import Text
package import Diagnostics

extension OSProfile {
    /// Identifies an image by its boot partition and, if it can be read, its root partition. Throws if piflash cannot
    /// configure the image, and says which image it is.
    ///
    /// Without `root`, if the boot partition alone is not enough, the dates, labels and kernel command lines of the
    /// vendors' releases decide. If they allow several answers that need different cards, this throws.
    package static func detect(_ boot: BootSnapshot, root: RootSnapshot? = nil) throws(Failure) -> OSProfile {
        let vendors = try flavour(of: boot, root: root)
        let (flavour, problem) = try usable(vendors, boot, root)
        let system = root?.system
        return OSProfile(
            flavour: flavour, release: release(vendors, boot, root),
            bootMountPoint: bootMountPoint(vendors, boot, root),
            // From Ubuntu 25.10 on, kernel and command line are in the directory of the current boot slot.
            cmdlinePath: vendors == .ubuntuCloudInit && boot.contents(BootPath.currentCommandLine) != nil
                ? BootPath.currentCommandLine : BootPath.commandLine,
            architecture: architecture(vendors, boot, root), hasBooted: hasBooted(vendors, boot, root),
            mechanismProblem: problem, unreadBootFiles: root?.unreadBootFiles(of: flavour) ?? [], system: system,
            initSystem: root?.initSystem, network: root.flatMap { networkStack(vendors, $0) },
            docker: docker(vendors, boot, root),
            cloudInitVersion: root?.version(of: "cloud-init").flatMap(PackageVersion.upstream))
    }

    /// The vendor's flavour if its reader is on the root partition and runs; otherwise another way to configure the same
    /// system, and why.
    private static func usable(
        _ vendors: Flavour, _ boot: BootSnapshot, _ root: RootSnapshot?
    ) throws(Failure) -> (Flavour, problem: String?) {
        let problem = root?.readerProblem(of: vendors, boot: boot)
        // A card that was configured another way stays so, for the same reason.
        let recorded = boot.recordedMechanismProblem
        if boot.recordedFlavour == .rootPartition { return (.rootPartition, problem ?? recorded) }
        guard let root, let problem else { return (vendors, boot.recordedFlavour == vendors ? recorded : nil) }
        switch vendors {
        case .raspberryPiOSCloudInit, .raspberryPiOSCustomTOML:
            // Their systemd is newer than the 240 that this needs.
            let canRun =
                root.initSystem?.kind == .systemd && root.readerProblem(of: .raspberryPiOSFirstRun, boot: boot) == nil
            return (canRun ? .raspberryPiOSFirstRun : .rootPartition, problem)
        case .ubuntuCloudInit:
            // Only cloud-init makes its user, its network files and its host keys, and enlarges its root partition.
            throw Failure(
                .unsupportedFlavour, severity: .refused,
                "this is \(vendors.title), but nothing would read user-data: \(problem)",
                hint:
                    "enable cloud-init in the image (remove the file or the word that disables it, or install the package), or take the vendor's image"
            )
        case .hypriotOccidentalis, .hypriotDeviceInit, .hypriotCloudInit, .raspbian, .raspberryPiOSFirstRun, .dietPi,
            .debianRaspi, .rootPartition:
            return (.rootPartition, problem)
        }
    }

    // MARK: Flavour

    private static func flavour(of boot: BootSnapshot, root: RootSnapshot?) throws(Failure) -> Flavour {
        var flavour: Flavour
        switch boot.recordedFlavour {
        // Such a card still has the vendor's files.
        case .rootPartition: flavour = (try? flavourByFiles(boot, root: root)) ?? .rootPartition
        case let recorded?: flavour = recorded
        case nil: flavour = try flavourByFiles(boot, root: root)
        }
        // custom.toml is read only once, by the program that the command line starts instead of init.
        if flavour == .raspberryPiOSCustomTOML, !boot.commandLine.contains(where: { $0.begins(with: "init=") }) {
            flavour = .raspberryPiOSFirstRun
        }
        // `systemd.run=` exists since systemd 240 (systemd NEWS); an older systemd would wait for a target that does
        // not exist.
        if flavour == .raspberryPiOSFirstRun, let initSystem = root?.initSystem,
            initSystem.kind != .systemd || initSystem.major.map({ $0 < 240 }) ?? false
        {
            flavour = .raspbian
        }
        return flavour
    }

    /// The flavour by its typical files and names. More specific ones are tried first: HypriotOS's files are also on
    /// images that were derived from it, and `issue.txt` is on everything that pi-gen builds.
    private static func flavourByFiles(_ boot: BootSnapshot, root: RootSnapshot?) throws(Failure) -> Flavour {
        let hypriot = HypriotRelease.version(boot, root)
        let readsDeviceInit = root?.has(RootPath.deviceInit)
        let isHypriot = hypriot != nil || boot.label?.lowercased() == "hypriotos"
        // The file may be on a later release by mistake: the root partition shows which program would read it.
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
        if let foreign = ForeignSystem(boot, root: root) { throw unsupported(foreign.name, hint: foreign.hint) }
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
                "this image is Raspbian or Raspberry Pi OS up to bullseye, but its boot partition does not say which release",
                hint: needsRoot)
        }
        return image.flavour(of: release)
    }

    // MARK: Refusals

    private static let needsRoot = "its root partition would say, but could not be read"

    private static func unsupported(_ name: String, hint: String? = nil) -> Failure {
        Failure(
            .unsupportedFlavour, severity: .refused, "this image is \(name), which piflash cannot configure yet",
            hint: hint ?? "supported: " + Flavour.allCases.map(\.title).joined(separator: ", "))
    }

    private static func unknown(_ boot: BootSnapshot, root: RootSnapshot?) -> Failure {
        if boot.hasFirmware {
            let name = root?.system.map { " (\($0.prettyName ?? $0.id))" } ?? ""
            return Failure(
                .unsupportedFlavour, severity: .refused,
                "this is an image for the Raspberry Pi of a kind that piflash does not know\(name)",
                hint: root == nil
                    ? needsRoot : "supported: " + Flavour.allCases.map(\.title).joined(separator: ", "))
        }
        let seen = boot.names.sorted().prefix(8).joined(separator: ", ")
        return Failure(
            .unsupportedFlavour, severity: .refused,
            "nothing on the boot partition says which system this is (label \"\(boot.label ?? "none")\"; \(seen.isEmpty ? "no files" : seen))",
            hint: "is this an image for the Raspberry Pi?")
    }
}

extension Failure.Code {
    /// piflash does not know the image's first-boot mechanism.
    package static let unsupportedFlavour = Failure.Code("images.unsupported-flavour")
}
