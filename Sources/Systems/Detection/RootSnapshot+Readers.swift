import Text

/// Whether the program that reads a system's first-boot configuration is on the root partition, and runs.
extension RootSnapshot {
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
                ? UnitPaths.deviceInit.problem(in: self)
                : "\(RootPath.deviceInit), which reads device-init.yaml, is missing"
        case .debianRaspi:
            has(RootPath.sysconfReader)
                ? UnitPaths.sysconf.problem(in: self) : "\(RootPath.sysconfReader), which reads sysconf.txt, is missing"
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
        let takesSSH = isPiOS || UnitPaths.sshSwitch.exists(in: self)
        if !takesSSH || UnitPaths.sshSwitch.problem(in: self) != nil { unread.insert(BootPath.ssh) }
        // Before net-mods, of stretch, it was sys-mods that took the file.
        let takesNetwork =
            version(of: "raspberrypi-net-mods") != nil || UnitPaths.netMods.exists(in: self)
            || isPiOS && system?.codename == "jessie"
        if !takesNetwork || UnitPaths.netMods.problem(in: self) != nil { unread.insert(BootPath.wpaSupplicant) }
        return unread
    }

    /// Whether dpkg's list of the files of `package` is on the partition.
    func hasFileList(of package: String) -> Bool { has(RootPath.fileList(of: package)) }

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
        return UnitPaths.dietPi.lazy.compactMap { $0.problem(in: self) }.first.map { "dietpi.txt is not read: \($0)" }
    }
}
