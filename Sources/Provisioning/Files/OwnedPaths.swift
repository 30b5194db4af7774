import Text
import Systems

/// Paths of the root partition that piflash, the first boot or the system itself writes. A file of the recipe there would
/// be overwritten, or would take a working login or network away.
enum OwnedPaths {
    /// A path, or with "*" at its end all that begin like it, and what a recipe writes instead.
    private struct Entry {
        let pattern: String
        let instead: String

        init(_ pattern: String, _ instead: String) { (self.pattern, self.instead) = (pattern, instead) }

        func holds(_ path: String) -> Bool {
            pattern.ends(with: "*") ? path.hasPrefix(pattern.dropLast()) : path == pattern
        }
    }

    private static let accounts = "user and first_boot.run make accounts and groups"
    private static let network = "use address, network and wifi"
    private static let ours = "piflash's own files are made from the recipe"
    private static let clock = "the card's clock is set when the card is written"

    private static let entries: [Entry] = [
        Entry(RootPath.hostname, "use hostname"),
        Entry(
            RootPath.hosts,
            "the first boot writes it: nodes with fixed addresses are in it; first_boot.run can add lines"),
        Entry(
            RootPath.fileSystemTable,
            "a wrong line there stops the boot: add yours with first_boot.run, with the option nofail"),
        Entry(RootPath.passwd + "*", accounts), Entry(RootPath.shadow + "*", accounts),
        Entry(RootPath.group + "*", accounts), Entry(RootPath.gshadow + "*", accounts),
        Entry(RootPath.subuid + "*", accounts), Entry(RootPath.subgid + "*", accounts),
        Entry("/etc/sudoers", "use user.sudo, or write a file of your own in \(SudoersFile.directory)"),
        Entry(RootPath.timezone, "use locale.timezone"), Entry(RootPath.localtime, "use locale.timezone"),
        Entry(RootPath.locale, "use locale.lang"), Entry(RootPath.localeList, "use locale.lang"),
        Entry("/etc/locale.conf", "use locale.lang"),
        Entry(RootPath.keyboard, "use locale.keyboard"),
        Entry("/etc/resolv.conf", "use network.dns"),
        Entry(RootPath.dhcpcd, network), Entry(RootPath.interfaces, network),
        Entry(NetworkInterfaces.path(of: "eth0"), network), Entry(NetworkInterfaces.path(of: "wlan0"), network),
        Entry("/etc/network/interfaces.d/50-cloud-init*", network), Entry("/etc/netplan/50-cloud-init.yaml", network),
        Entry(NetworkConfig.wifiPath, network),
        Entry("/etc/dhcp/dhclient-enter-hooks.d/piflash*", "use network.dns"),
        Entry("/etc/apt/apt.conf.d/80piflash*", ours), Entry("/etc/apt/preferences.d/piflash*", ours),
        Entry("/etc/wpa_supplicant/*", "use wifi"), Entry(RootPath.networkManagerState, "use wifi"),
        Entry("/etc/NetworkManager/system-connections/piflash-*", network),
        Entry(RootPath.daemonConfiguration, "use docker.daemon"), Entry(RootPath.dockerOptions, "use docker.daemon"),
        Entry("/etc/systemd/system/docker.service.d/piflash*", "use docker.daemon and docker.proxy"),
        Entry(SuppliedFiles.certificateDirectory + "/*", "use docker.remote: tls"),
        Entry(
            SSHDConfiguration.path,
            "use user.ssh_password; other settings belong in a file in /etc/ssh/sshd_config.d (Debian 11, Ubuntu 20.04 and later)"
        ),
        Entry("/etc/ssh/ssh_host_*", "each node makes its own keys"),
        Entry("/etc/machine-id", "the first boot makes it"),
        Entry("/var/lib/dbus/machine-id", "the first boot makes it"),
        Entry("/var/lib/cloud/*", "cloud-init's notes are its own"),
        Entry(RootPath.fakeClock, clock), Entry(RootPath.timesyncClock, clock), Entry(RootPath.oldTimesyncClock, clock),
        Entry("/etc/piflash/*", ours), Entry("/usr/local/lib/piflash/*", ours), Entry("/var/lib/piflash/*", ours),
        Entry("/var/cache/piflash/*", ours), Entry("/etc/systemd/system/piflash-*", ours),
        Entry(FirstBootScript.path, ours),
    ]

    /// The vendors' own files that let their user become root.
    private static let vendorsSudoers = VendorSudoers.paths.map { Entry($0, "use user.sudo") }

    /// What is wrong with a recipe's file at `path`, and what to write instead; nil if nothing is.
    static func problem(_ path: String) -> String? {
        if path.wholeMatch(of: /\/home\/[^\/]+\/\.ssh\/authorized_keys2?/.matchingSemantics(.unicodeScalar)) != nil {
            return "piflash writes \(path): use user.ssh_authorized_keys"
        }
        let all = entries + vendorsSudoers + [Entry(SudoersFile.path, "use user.sudo")]
        if let entry = all.first(where: { $0.holds(path) }) {
            return "\(path) is not for a file of yours: \(entry.instead)"
        }
        let isDirectory =
            path.wholeMatch(of: /\/home(\/[^\/]+)?|\/root|\/boot(\/firmware)?/.matchingSemantics(.unicodeScalar)) != nil
            || all.contains { $0.pattern.begins(with: path + "/") }
        return isDirectory ? "\(path) is a directory of the system: name a file in it" : nil
    }
}
