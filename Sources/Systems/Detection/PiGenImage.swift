import Text

/// An image that pi-gen built (Raspbian from 2016-05-10 on, Raspberry Pi OS), before or after its first boot, which
/// removes its word from the kernel command line.
struct PiGenImage {
    /// The date in the first line of issue.txt ("Raspberry Pi reference 2025-11-24"), a copy of /etc/rpi-issue. It
    /// remains after the first boot.
    let date: String?
    private let boot: BootSnapshot
    private let words: [String]

    /// Nil if pi-gen did not build the image. Without issue.txt, the seed that only trixie's images have or the root
    /// partition identify it.
    init?(_ boot: BootSnapshot, root: RootSnapshot?) {
        let issues = [boot.text(BootPath.issue), root?.text(RootPath.rpiIssue)].compactMap { $0 }
        let issue = issues.first { $0.contains("pi-gen") }
        self.boot = boot
        words = boot.commandLine
        date = issue.flatMap(Self.date(in:))
        let isRaspbian =
            root.map { $0.system?.id == "raspbian" || $0.version(of: "raspberrypi-sys-mods") != nil } ?? false
        guard issue != nil || hasVendorSeed || isRaspbian else { return nil }
    }

    static func date(in issue: String) -> String? {
        let line = issue.split(whereSeparator: \.isNewline).first ?? ""
        return line.split(at: " ").map(String.init).last { word in
            word.split(at: "-", omittingEmptySubsequences: false).map(\.count) == [4, 2, 2]
                && word.utf8.allSatisfy { (48...57).contains($0) || $0 == 45 }
        }
    }

    /// Whether the meta-data is the one that pi-gen puts on trixie's images: with an underscore, which cloud-init
    /// ignores.
    private var hasVendorSeed: Bool { boot.text(BootPath.metaData)?.contains("instance_id: rpios-image") ?? false }

    /// Bullseye from 2022-09 on and bookworm: a program that enlarges the root partition, reads custom.toml, and
    /// removes itself from the command line.
    var startsFirstBoot: Bool { words.contains("init=/usr/lib/raspberrypi-sys-mods/firstboot") }
    /// Up to bullseye of 2022-04.
    private var startsResizing: Bool { words.contains("init=/usr/lib/raspi-config/init_resize.sh") }
    /// Trixie: a word for its initramfs.
    private var asksForResizing: Bool { words.contains("resize") }

    /// Every image of pi-gen has one of the three words until it has booted.
    var hasBooted: Bool { !startsFirstBoot && !startsResizing && !asksForResizing }

    /// Whether cloud-init is set up to read the boot partition. That is so from the images of 2025-11-24 on; earlier
    /// images have no seed files, and it is not known what cloud-init does with files that were added by hand.
    var readsSeed: Bool { boot.hasSeed && (hasVendorSeed || (date ?? "9999") >= "2025-11-24") }

    /// The release according to the boot partition; nil if several are possible for which piflash does different
    /// things. The dates are those of pi-gen's release tags.
    var likelyRelease: DebianRelease? {
        if startsFirstBoot {
            // Bookworm's firmware loads an initramfs; bullseye's images have none.
            return boot.configures("auto_initramfs=1") ? .bookworm : .bullseye
        }
        if asksForResizing || hasVendorSeed { return .trixie }
        if !startsResizing {
            // A seed alone proves nothing, since users can add one; with such a date only trixie has one.
            if boot.configures("auto_initramfs=1") { return readsSeed ? .trixie : .bookworm }
            // Buster never renamed the partition; bullseye did in 2023.
            if boot.label?.lowercased() == "bootfs" { return readsSeed ? .trixie : .bullseye }
        }
        guard let date else { return nil }
        return switch date {
        case ..<"2017-08-16": .jessie
        case ..<"2019-06-20": .stretch
        case ..<"2021-10-30": .buster
        // Bullseye; but late images of buster, from 2022-09-06 on, still use the old way of resizing.
        default: startsResizing && date >= "2022-09-06" ? .buster : .bullseye
        }
    }

    /// How an image of `release` takes its first-boot configuration.
    func flavour(of release: DebianRelease) -> OSProfile.Flavour {
        switch release {
        case .wheezy, .jessie, .stretch: .raspbian
        case .buster: .raspberryPiOSFirstRun
        case .bullseye, .bookworm: startsFirstBoot ? .raspberryPiOSCustomTOML : .raspberryPiOSFirstRun
        case .trixie, .forky: readsSeed ? .raspberryPiOSCloudInit : .raspberryPiOSFirstRun
        }
    }
}
