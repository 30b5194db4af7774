import Text

/// What the files of a boot partition say about the image.
extension BootSnapshot {
    /// The words of the kernel command line.
    package var commandLine: [String] {
        (text(BootPath.commandLine) ?? text(BootPath.currentCommandLine) ?? "").split(whereSeparator: \.isWhitespace)
            .map(
                String.init)
    }

    /// Whether both files exist that cloud-init's NoCloud requires.
    var hasSeed: Bool { has(BootPath.userData) && has(BootPath.metaData) }

    /// HypriotOS has a copy of its os-release here.
    var identification: OSRelease { OSRelease(text(BootPath.osRelease) ?? "") }

    /// The flavour in the record of a card that piflash configured: its own files have replaced the vendor's.
    var recordedFlavour: OSProfile.Flavour? { contents(CardRecord.path).flatMap(CardRecord.flavour) }

    /// Why that card is not configured the vendor's way.
    var recordedMechanismProblem: String? { contents(CardRecord.path).flatMap(CardRecord.mechanismProblem) }

    /// Whether there are files that a Pi boots from.
    var hasFirmware: Bool {
        has("bootcode.bin")
            || names.contains { $0.lowercased().hasPrefix("start") && $0.lowercased().ends(with: ".elf") }
    }

    /// Whether config.txt has the line `setting`; blanks are ignored.
    func configures(_ setting: String) -> Bool {
        (text(BootPath.configuration) ?? "").split(whereSeparator: \.isNewline).contains { line in
            line.filter { !$0.isWhitespace } == setting
        }
    }

    /// Whether the firmware can start only a 64-bit kernel: config.txt requires one on every model, and there is no
    /// 32-bit one to use instead (raspberrypi.com, config.txt: arm_64bit, conditional filters).
    var bootsArm64Only: Bool {
        guard !["kernel.img", "kernel7.img", "kernel7l.img"].contains(where: has) else { return false }
        guard has("kernel8.img") || has("vmlinuz") || has("current/") else { return false }
        var applies = true
        var is64Bit = false
        for line in (text(BootPath.configuration) ?? "").split(whereSeparator: \.isNewline) {
            let setting = line.filter { !$0.isWhitespace }
            if setting.begins(with: "[") {
                applies = setting == "[all]"
            } else if applies, setting.begins(with: "arm_64bit=") {
                is64Bit = setting == "arm_64bit=1"
            }
        }
        return is64Bit
    }
}
