import Text

/// Whether the program that reads a system's first-boot configuration is on the root partition, and runs.
extension RootSnapshot {
    static let deviceInitUnit = UnitPaths(
        "device-init.service", startedBy: "multi-user.target", "basic.target", "sysinit.target",
        "network-online.target", "default.target")
    static let sysconfUnit = UnitPaths(
        "rpi-set-sysconf.service", startedBy: "basic.target", "sysinit.target", "multi-user.target")
    static let dietPiUnits = [
        UnitPaths("dietpi-firstboot.service", startedBy: "multi-user.target", "basic.target", "sysinit.target"),
        UnitPaths("dietpi-preboot.service", startedBy: "multi-user.target", "basic.target", "sysinit.target"),
    ]
    /// raspberrypi-sys-mods: takes the file `ssh` from the boot partition.
    static let sshUnit = UnitPaths("sshswitch.service", startedBy: "multi-user.target")
    /// raspberrypi-net-mods: takes wpa_supplicant.conf from the boot partition.
    static let networkUnit = UnitPaths("raspberrypi-net-mods.service", startedBy: "multi-user.target")

    static let readerUnits =
        CloudInitReader.units + dietPiUnits + [deviceInitUnit, sysconfUnit, sshUnit, networkUnit]

    /// Why nothing would read the files of `flavour` on the boot partition, for people; nil if nothing shows that.
    func readerProblem(of flavour: OSProfile.Flavour, boot: BootSnapshot) -> String? {
        // Without dpkg's list, nobody knows what should be there.
        if packages.isEmpty { return nil }
        return switch flavour {
        case .hypriotCloudInit, .ubuntuCloudInit:
            CloudInitReader.problem(in: self, commandLine: boot.commandLine, readsBootPartition: false)
        case .raspberryPiOSCloudInit:
            CloudInitReader.problem(in: self, commandLine: boot.commandLine, readsBootPartition: true)
        case .raspberryPiOSCustomTOML: customTOMLProblem(boot)
        case .raspberryPiOSFirstRun: runGeneratorProblem
        case .hypriotOccidentalis:
            if !has(RootPath.occi) {
                "\(RootPath.occi), which reads occidentalis.txt, is not installed"
            } else if !has(RootPath.occiScript) {
                "\(RootPath.occiScript), which starts occi, is missing"
            } else {
                nil
            }
        case .hypriotDeviceInit:
            has(RootPath.deviceInit)
                ? Self.deviceInitUnit.problem(in: self)
                : "\(RootPath.deviceInit), which reads device-init.yaml, is missing"
        case .debianRaspi:
            has(RootPath.sysconfReader)
                ? Self.sysconfUnit.problem(in: self) : "\(RootPath.sysconfReader), which reads sysconf.txt, is missing"
        case .dietPi: dietPiProblem
        case .raspbian, .rootPartition: nil
        }
    }

    /// The vendor's small files on the boot partition that nothing takes from there on this system.
    func unreadBootFiles(of flavour: OSProfile.Flavour) -> Set<String> {
        var unread: Set<String> = []
        let isPiOS = version(of: "raspberrypi-sys-mods") != nil
        // Wheezy takes no such file.
        guard [.raspbian, .raspberryPiOSFirstRun, .raspberryPiOSCustomTOML].contains(flavour), !packages.isEmpty,
            system?.codename != "wheezy"
        else { return [] }
        if !isPiOS || Self.sshUnit.problem(in: self) != nil { unread.insert(BootPath.ssh) }
        // Before net-mods, of stretch, it was sys-mods that took the file.
        let takesNetwork =
            version(of: "raspberrypi-net-mods") != nil || isPiOS && system?.codename == "jessie"
        if !takesNetwork || Self.networkUnit.problem(in: self) != nil {
            unread.insert(BootPath.wpaSupplicant)
        }
        return unread
    }

    /// Whether dpkg's list of the files of `package` is on the partition.
    func hasFileList(of package: String) -> Bool { has(Self.fileList(of: package)) }

    static func fileList(of package: String) -> String { "/var/lib/dpkg/info/\(package).list" }

    // MARK: One system each

    private func customTOMLProblem(_ boot: BootSnapshot) -> String? {
        let module = "python3-toml"
        guard has(RootPath.firstBoot) else {
            return "\(RootPath.firstBoot), which reads custom.toml, is missing (package raspberrypi-sys-mods)"
        }
        guard has(RootPath.customTOMLReader) else {
            return "\(RootPath.customTOMLReader), which reads custom.toml, is missing (package raspberrypi-sys-mods)"
        }
        // The images of 2022-09-06 lack a module that the program imports (raspberrypi-sys-mods 20220915 depends on it).
        let imports = (text(RootPath.customTOMLReader) ?? "").split(whereSeparator: \.isNewline).contains { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            return words.count > 1 && ["import", "from"].contains(words[0]) && words[1] == "toml"
        }
        let isFirstImage = PiGenImage(boot, root: self)?.date == "2022-09-06"
        guard version(of: module) == nil, imports || isFirstImage else { return nil }
        return "custom.toml would not be read: the package \(module), which its reader imports, is not installed"
    }

    private var runGeneratorProblem: String? {
        if case .symbolicLink("/dev/null") = entry(RootPath.maskedRunGenerator)?.kind {
            return "systemd-run-generator, which starts firstrun.sh, is masked"
        }
        // A small system in a test has neither.
        guard RootPath.generatorDirectories.contains(where: has), !RootPath.runGenerators.contains(where: has) else {
            return nil
        }
        return "systemd-run-generator, which starts firstrun.sh, is missing"
    }

    /// DietPi applies dietpi.txt once: its stage is above 0 from then on (dietpi-login).
    private var dietPiProblem: String? {
        if let stage = text(RootPath.dietPiStage).flatMap({ Int($0.trimmed) }), stage > 0 {
            return "this DietPi has been set up already, and reads dietpi.txt only once"
        }
        return Self.dietPiUnits.lazy.compactMap { $0.problem(in: self) }.first.map { "dietpi.txt is not read: \($0)" }
    }
}
