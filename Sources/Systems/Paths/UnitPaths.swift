/// A systemd unit, by the files of a root partition that decide whether it runs (systemd.unit(5), systemctl(1)).
struct UnitPaths: Sendable {
    let name: String
    /// The targets that may start it.
    let targets: [String]

    init(_ name: String, startedBy targets: String...) {
        self.name = name
        self.targets = targets
    }

    private static let administration = "/etc/systemd/system"

    var mask: String { "\(Self.administration)/\(name)" }
    var files: [String] { [mask, "/lib/systemd/system/\(name)", "/usr/lib/systemd/system/\(name)"] }
    var links: [String] {
        targets.flatMap { target in ["wants", "requires"].map { "\(Self.administration)/\(target).\($0)/\(name)" } }
    }

    /// All paths that whether it runs depends on.
    var paths: [String] { files + links }
}

/// The units of what reads a system's first-boot configuration.
extension UnitPaths {
    /// Releases of cloud-init from 24.3 on have the third and the fifth; releases before have the second. Its generator
    /// starts the target.
    static let cloudInit = [
        UnitPaths("cloud-init-local.service", startedBy: "cloud-init.target", "multi-user.target"),
        UnitPaths("cloud-init.service", startedBy: "cloud-init.target", "multi-user.target"),
        UnitPaths("cloud-init-main.service", startedBy: "cloud-init.target", "multi-user.target"),
        UnitPaths("cloud-config.service", startedBy: "cloud-init.target", "multi-user.target"),
        UnitPaths("cloud-init-network.service", startedBy: "cloud-init.target", "multi-user.target"),
        UnitPaths("cloud-final.service", startedBy: "cloud-init.target", "multi-user.target"),
        UnitPaths("cloud-init.target"),
    ]
    static let deviceInit = UnitPaths(
        "device-init.service", startedBy: "multi-user.target", "basic.target", "sysinit.target",
        "network-online.target", "default.target")
    static let sysconf = UnitPaths(
        "rpi-set-sysconf.service", startedBy: "basic.target", "sysinit.target", "multi-user.target")
    static let dietPi = [
        UnitPaths("dietpi-firstboot.service", startedBy: "multi-user.target", "basic.target", "sysinit.target"),
        UnitPaths("dietpi-preboot.service", startedBy: "multi-user.target", "basic.target", "sysinit.target"),
    ]
    /// raspberrypi-sys-mods: takes the file `ssh` from the boot partition.
    static let sshSwitch = UnitPaths("sshswitch.service", startedBy: "multi-user.target")
    /// raspberrypi-net-mods: takes wpa_supplicant.conf from the boot partition.
    static let netMods = UnitPaths("raspberrypi-net-mods.service", startedBy: "multi-user.target")

    static let readers = cloudInit + dietPi + [deviceInit, sysconf, sshSwitch, netMods]
}
