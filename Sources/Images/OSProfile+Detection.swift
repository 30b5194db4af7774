public import Diagnostics
import FoundationEssentials

extension OSProfile {
    /// Tells what an image is from its boot partition, or refuses by name what piflash cannot configure yet.
    ///
    /// The marks are tried in an order in which the more telling comes first: HypriotOS's files also stand on images that
    /// were derived from it, `issue.txt` on everything that pi-gen builds. What piflash itself noted on a card stands in
    /// for the marks that it has written over.
    public static func detect(_ boot: BootSnapshot) throws(Failure) -> OSProfile {
        let words = boot.commandLine
        let hasSeed = boot.has("user-data") && boot.has("meta-data")
        let recorded = hasSeed ? boot.recordedFlavour : nil

        if boot.has("device-init.yaml") { throw unsupported("HypriotOS 0.2.5 to 1.6 (device-init)") }
        let isHypriot =
            boot.osRelease("HYPRIOT_IMAGE_VERSION") != nil || hasSeed && boot.label?.lowercased() == "hypriotos"
        if boot.has("user-data") && isHypriot || recorded == .hypriotCloudInit { return hypriot(boot) }
        if boot.has("occidentalis.txt") { throw unsupported("HypriotOS of 2015 or early 2016 (occidentalis.txt)") }
        if boot.label?.lowercased() == "system-boot" || words.contains("root=LABEL=writable")
            || boot.text("README")?.contains("Ubuntu Server for Raspberry Pi") ?? false || recorded == .ubuntuCloudInit
        {
            return ubuntu(boot)
        }
        if boot.has("dietpi.txt") { throw unsupported("DietPi") }
        if boot.has("sysconf.txt") || boot.label == "RASPIFIRM" {
            throw unsupported("Debian's image for the Raspberry Pi")
        }
        if boot.has("apks/"), boot.has(".alpine-release") { throw unsupported("Alpine Linux (diskless)") }
        if boot.label?.uppercased() == "EFI-SYSTEM" { throw unsupported("Fedora CoreOS or IoT") }
        if hasSeed {
            let hasVendorSeed = boot.text("meta-data")?.contains("instance_id: rpios-image") ?? false
            if hasVendorSeed || recorded == .raspberryPiOSCloudInit || PiGenImage(boot)?.readsSeed ?? false {
                return raspberryPiOS(boot)
            }
        }
        if let image = PiGenImage(boot) { throw unsupported(image.name) }
        if boot.has("bootcode.bin")
            || boot.names.contains(where: { $0.lowercased().hasPrefix("start") && $0.lowercased().hasSuffix(".elf") })
        {
            throw unsupported("an image for the Raspberry Pi of a kind piflash does not know")
        }
        let seen = boot.names.sorted().prefix(8).joined(separator: ", ")
        throw Failure(
            .unsupportedFlavour, severity: .refused,
            "nothing on the boot partition tells which system this is (label \"\(boot.label ?? "none")\"; \(seen.isEmpty ? "no files" : seen))",
            hint: "is this an image for the Raspberry Pi?")
    }

    private static func unsupported(_ name: String) -> Failure {
        Failure(
            .unsupportedFlavour, severity: .refused, "this image is \(name), which piflash cannot configure yet",
            hint: "supported: " + Flavour.allCases.map(\.title).joined(separator: ", "))
    }

    // MARK: The supported ones

    private static func hypriot(_ boot: BootSnapshot) -> OSProfile {
        let version = boot.osRelease("HYPRIOT_IMAGE_VERSION")
        let system = boot.osRelease("HYPRIOT_OS")
        return OSProfile(
            flavour: .hypriotCloudInit, release: version, bootMountPoint: "/boot",
            // HypriotOS/armhf runs on all Pis; its own documentation labels them armv7.
            architecture: system?.hasSuffix("/armhf") == true
                ? "armv7" : system?.hasSuffix("/arm64") == true ? "arm64" : nil,
            docker: version.flatMap(dockerVersion(ofHypriot:)).map { Docker(version: $0) })
    }

    /// The Docker that each HypriotOS release ships (image-builder-rpi, versions.config of each tag). A release that is
    /// not here, a candidate among them, has one that is not known.
    private static let hypriotDocker = [
        "1.12.3": "19.03.12", "1.12.2": "19.03.11", "1.12.1": "19.03.8", "1.12.0": "19.03.5", "1.11.5": "19.03.5",
        "1.11.0": "19.03.0", "1.9.0": "18.04.0", "1.8.0": "18.03.0",
    ]
    /// Where all releases of a series ship the same.
    private static let hypriotSeriesDocker = ["1.10": "18.06.3", "1.7": "17.10.0"]

    private static func dockerVersion(ofHypriot version: String) -> String? {
        let number = version.hasPrefix("v") ? version.dropFirst() : version[...]
        let series = number.split(separator: ".").prefix(2).joined(separator: ".")
        return hypriotDocker[String(number)] ?? hypriotSeriesDocker[series]
    }

    private static func ubuntu(_ boot: BootSnapshot) -> OSProfile {
        OSProfile(
            flavour: .ubuntuCloudInit, bootMountPoint: "/boot/firmware",
            // From 25.10 on, kernel and command line live in the directory of the current boot slot.
            cmdlinePath: boot.files["current/cmdline.txt"] == nil ? "cmdline.txt" : "current/cmdline.txt",
            architecture: boot.bootsArm64Only ? "arm64" : nil)
    }

    private static func raspberryPiOS(_ boot: BootSnapshot) -> OSProfile {
        OSProfile(
            flavour: .raspberryPiOSCloudInit, release: PiGenImage(boot)?.date, bootMountPoint: "/boot/firmware",
            architecture: boot.bootsArm64Only ? "arm64" : nil)
    }
}

extension BootSnapshot {
    fileprivate var commandLine: [String] {
        (text("cmdline.txt") ?? text("current/cmdline.txt") ?? "").split(whereSeparator: \.isWhitespace).map(
            String.init)
    }

    /// The value of `key` in os-release's lines of KEY="value".
    fileprivate func osRelease(_ key: String) -> String? {
        for line in (text("os-release") ?? "").split(whereSeparator: \.isNewline) where line.hasPrefix(key + "=") {
            let value = line.dropFirst(key.count + 1).filter { $0 != "\"" && $0 != "'" }
            return value.isEmpty ? nil : value
        }
        return nil
    }

    /// What piflash noted on a card that it configured: its own meta-data has replaced the vendor's mark.
    fileprivate var recordedFlavour: OSProfile.Flavour? {
        struct Record: Decodable { let flavour: String }
        guard let bytes = files["piflash/card.json"],
            let record = try? JSONDecoder().decode(Record.self, from: Data(bytes))
        else { return nil }
        return OSProfile.Flavour(rawValue: record.flavour)
    }

    /// Whether the firmware can only start a 64-bit kernel: config.txt asks for one on every model, and no 32-bit one is
    /// there to fall back on (raspberrypi.com, config.txt: arm_64bit, conditional filters).
    fileprivate var bootsArm64Only: Bool {
        guard !["kernel.img", "kernel7.img", "kernel7l.img"].contains(where: has) else { return false }
        guard has("kernel8.img") || has("vmlinuz") || has("current/") else { return false }
        var applies = true
        var is64Bit = false
        for line in (text("config.txt") ?? "").split(whereSeparator: \.isNewline) {
            let setting = line.filter { !$0.isWhitespace }
            if setting.hasPrefix("[") {
                applies = setting == "[all]"
            } else if applies, setting.hasPrefix("arm_64bit=") {
                is64Bit = setting == "arm_64bit=1"
            }
        }
        return is64Bit
    }
}

/// What pi-gen, which builds Raspbian and Raspberry Pi OS, leaves on a boot partition.
private struct PiGenImage {
    /// The date in the first line of issue.txt: "Raspberry Pi reference 2025-11-24". It outlasts the first boot.
    let date: String?
    private let boot: BootSnapshot
    private let words: [String]

    /// Nil for a boot partition that is not pi-gen's.
    init?(_ boot: BootSnapshot) {
        guard let issue = boot.text("issue.txt"), issue.contains("pi-gen") else { return nil }
        let line = issue.split(whereSeparator: \.isNewline).first ?? ""
        date = line.split(separator: " ").map(String.init).last { word in
            word.split(separator: "-", omittingEmptySubsequences: false).map(\.count) == [4, 2, 2]
                && word.utf8.allSatisfy { (48...57).contains($0) || $0 == 45 }
        }
        self.boot = boot
        words = boot.commandLine
    }

    /// Whether cloud-init is set up to read the boot partition: in trixie, from the images of this date on. Bookworm's
    /// later images carry such dates too, but they start their first boot through `init=`.
    var readsSeed: Bool { (date ?? "9999") >= "2025-11-24" && !words.contains { $0.hasPrefix("init=/usr/lib/rasp") } }

    /// What it is, for people. The dates are those of pi-gen's release tags.
    var name: String {
        let suffix = date.map { " of \($0)" } ?? ""
        if words.contains("resize") { return "Raspberry Pi OS trixie\(suffix) without cloud-init's files" }
        if words.contains("init=/usr/lib/raspberrypi-sys-mods/firstboot") {
            let isBookworm = boot.text("config.txt")?.split(whereSeparator: \.isNewline).contains("auto_initramfs=1")
            return "Raspberry Pi OS \(isBookworm == true ? "bookworm" : "bullseye")\(suffix) (custom.toml, firstrun.sh)"
        }
        guard words.contains("init=/usr/lib/raspi-config/init_resize.sh") else {
            return "a Raspberry Pi OS card\(suffix) that has booted already"
        }
        guard let date else { return "Raspbian or Raspberry Pi OS up to bullseye" }
        let release =
            date < "2017-08-16"
            ? "Raspbian jessie"
            : date < "2019-06-20"
                ? "Raspbian stretch"
                : date < "2021-10-30" || date >= "2022-09-06"
                    ? "Raspberry Pi OS buster" : "Raspberry Pi OS bullseye or buster"
        return "\(release)\(suffix)"
    }
}

extension Failure.Code {
    /// An image whose first-boot mechanism piflash does not know, or not yet.
    public static let unsupportedFlavour = Failure.Code("images.unsupported-flavour")
}
