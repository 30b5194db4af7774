import Filesystems

/// The systemd unit that has cloud-init begin again if its first boot was cut short: see seed.sh. user-data does the same
/// (``CloudConfig/repeatUntilSeeded()``) for cards whose root partition cannot be edited, but only cloud-init's own
/// modules get that far.
enum SeedUnit {
    static let programPath = "/usr/local/lib/piflash/seed"
    static let name = "piflash-seed.service"
    static let path = "/etc/systemd/system/piflash-seed.service"
    static let link = "/etc/systemd/system/sysinit.target.wants/piflash-seed.service"

    static let program = String(decoding: PackageResources.seed_sh, as: UTF8.self)

    /// cloud-init's first unit has had two names. Where its seed is on the boot partition, it must be mounted by then, which
    /// HypriotOS does not see to: on a slow card its cloud-init found no seed at first, and gave the cable to DHCP.
    static func text(bootMountPoint: String) -> String {
        """
        [Unit]
        Description=Let cloud-init begin again if its first boot was cut short (piflash)
        Documentation=file:\(programPath)
        DefaultDependencies=no
        After=systemd-remount-fs.service
        Before=cloud-init-main.service cloud-init-local.service sysinit.target
        RequiresMountsFor=\(bootMountPoint) /var/lib/cloud /var/lib/piflash \(programPath)
        Conflicts=shutdown.target
        Before=shutdown.target

        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/sh \(programPath)

        [Install]
        WantedBy=sysinit.target

        """
    }

    static func edits(bootMountPoint: String) -> [TreeChange] {
        let text = text(bootMountPoint: bootMountPoint)
        return [
            TreeChange(.file(contents: Array(program.utf8), mode: 0o755), at: programPath),
            TreeChange(.file(contents: Array(text.utf8), mode: 0o644), at: path),
            TreeChange(.symbolicLink(target: path), at: link),
        ]
    }
}
