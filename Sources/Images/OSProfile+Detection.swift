public import Diagnostics
import FoundationEssentials

extension OSProfile {
    /// Tells what an image is from its boot partition, or refuses by name what piflash cannot configure yet.
    ///
    /// The marks are tried in an order in which the more telling comes first: HypriotOS's files also stand on images that
    /// were derived from it, `issue.txt` on everything that pi-gen builds.
    public static func detect(_ boot: BootSnapshot) throws(Failure) -> OSProfile {
        let cmdline = boot.text("cmdline.txt") ?? boot.text("current/cmdline.txt") ?? ""
        let words = cmdline.split(whereSeparator: \.isWhitespace).map(String.init)
        let hasSeed = boot.has("user-data") && boot.has("meta-data")
        let isPiGen = boot.text("issue.txt")?.contains("pi-gen") ?? false
        let isRPiSeed = boot.text("meta-data")?.contains("instance_id: rpios-image") ?? false
        let recorded = recordedFlavour(boot)

        if boot.has("device-init.yaml") { throw unsupported("HypriotOS 0.2.5 to 1.6 (device-init)") }
        if boot.has("user-data"), hypriotVersion(boot) != nil || boot.label?.lowercased() == "hypriotos" {
            return hypriot(boot)
        }
        if boot.has("occidentalis.txt") { throw unsupported("HypriotOS of 2015 or early 2016 (occidentalis.txt)") }
        if boot.label?.lowercased() == "system-boot" || words.contains("root=LABEL=writable")
            || boot.text("README")?.contains("Ubuntu Server for Raspberry Pi") ?? false
        {
            return ubuntu(boot)
        }
        if boot.has("dietpi.txt") { throw unsupported("DietPi") }
        if boot.has("sysconf.txt") || boot.label == "RASPIFIRM" {
            throw unsupported("Debian's image for the Raspberry Pi")
        }
        if boot.has("apks/") || boot.has(".alpine-release") { throw unsupported("Alpine Linux (diskless)") }
        if boot.label?.uppercased() == "EFI-SYSTEM" { throw unsupported("Fedora CoreOS or IoT") }
        if hasSeed, isPiGen || isRPiSeed || recorded == .raspberryPiOSCloudInit { return raspberryPiOS(boot) }
        if isPiGen { throw unsupported(piGenRelease(boot, words)) }
        if boot.has("bootcode.bin")
            || boot.names.contains(where: { $0.lowercased().hasPrefix("start") && $0.hasSuffix(".elf") })
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
            .unsupportedFlavour, severity: .refused, "this image is \(name), which this version cannot configure",
            hint: "supported: " + Flavour.allCases.map(\.title).joined(separator: ", "))
    }

    // MARK: HypriotOS

    private static func hypriotVersion(_ boot: BootSnapshot) -> String? {
        boot.text("os-release").flatMap { value("HYPRIOT_IMAGE_VERSION", in: $0) }
    }

    private static func hypriot(_ boot: BootSnapshot) -> OSProfile {
        let version = hypriotVersion(boot)
        let system = boot.text("os-release").flatMap { value("HYPRIOT_OS", in: $0) }
        return OSProfile(
            flavour: .hypriotCloudInit, release: version, bootMountPoint: "/boot",
            dockerVersion: version.flatMap(dockerVersion(ofHypriot:)),
            // HypriotOS/armhf runs on all Pis; its own documentation labels them armv7.
            architecture: system?.hasSuffix("/armhf") == true
                ? "armv7" : system?.hasSuffix("/arm64") == true ? "arm64" : nil)
    }

    /// The Docker that each HypriotOS release ships (image-builder-rpi, versions.config of each tag).
    private static let hypriotDocker: [(prefix: String, docker: String)] = [
        ("1.12.3", "19.03.12"), ("1.12.2", "19.03.11"), ("1.12.1", "19.03.8"), ("1.12.0", "19.03.5"),
        ("1.11.5", "19.03.5"), ("1.11.0", "19.03.0"), ("1.10.", "18.06.3"), ("1.9.0", "18.04.0"), ("1.8.0", "18.03.0"),
        ("1.7.", "17.10.0"),
    ]

    private static func dockerVersion(ofHypriot version: String) -> String? {
        let number = version.hasPrefix("v") ? String(version.dropFirst()) : version
        return hypriotDocker.first { number.hasPrefix($0.prefix) }?.docker
    }

    // MARK: Others

    private static func ubuntu(_ boot: BootSnapshot) -> OSProfile {
        OSProfile(
            flavour: .ubuntuCloudInit, bootMountPoint: "/boot/firmware",
            // From 25.10 on, kernel and command line live in the directory of the current boot slot.
            cmdlinePath: boot.files["current/cmdline.txt"] == nil ? "cmdline.txt" : "current/cmdline.txt")
    }

    private static func raspberryPiOS(_ boot: BootSnapshot) -> OSProfile {
        OSProfile(flavour: .raspberryPiOSCloudInit, release: issueDate(boot), bootMountPoint: "/boot/firmware")
    }

    private static func piGenRelease(_ boot: BootSnapshot, _ words: [String]) -> String {
        let date = issueDate(boot).map { " of \($0)" } ?? ""
        if words.contains("resize") { return "Raspberry Pi OS trixie\(date) without cloud-init's files" }
        if words.contains("init=/usr/lib/raspberrypi-sys-mods/firstboot") {
            return "Raspberry Pi OS bookworm or bullseye\(date) (custom.toml, firstrun.sh)"
        }
        if words.contains("init=/usr/lib/raspi-config/init_resize.sh") { return "Raspbian or Raspberry Pi OS\(date)" }
        return "a Raspberry Pi OS card\(date) that has booted already"
    }

    /// The date in the first line of issue.txt: "Raspberry Pi reference 2025-11-24".
    private static func issueDate(_ boot: BootSnapshot) -> String? {
        let line = boot.text("issue.txt")?.split(whereSeparator: \.isNewline).first ?? ""
        return line.split(separator: " ").map(String.init).last { word in
            word.count == 10 && word.split(separator: "-").map(\.count) == [4, 2, 2]
                && word.allSatisfy { $0.isNumber || $0 == "-" }
        }
    }

    /// What piflash noted on a card that it configured: its own meta-data has replaced the vendor's mark.
    private static func recordedFlavour(_ boot: BootSnapshot) -> Flavour? {
        struct Record: Decodable { let flavour: String }
        guard let bytes = boot.files["piflash/card.json"],
            let record = try? JSONDecoder().decode(Record.self, from: Data(bytes))
        else { return nil }
        return Flavour(rawValue: record.flavour)
    }

    /// The value of `key` in a file of KEY="value" lines.
    private static func value(_ key: String, in text: String) -> String? {
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix(key + "=") {
            return line.dropFirst(key.count + 1).filter { $0 != "\"" && $0 != "'" }
        }
        return nil
    }
}

extension Failure.Code {
    /// An image whose first-boot mechanism piflash does not know, or not yet.
    public static let unsupportedFlavour = Failure.Code("images.unsupported-flavour")
}
