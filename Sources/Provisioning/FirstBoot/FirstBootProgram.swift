/// The program that finishes a node's first boot: one for all flavours, which differ only in how they start it.
///
/// POSIX sh, for dash and busybox, with nothing that wheezy lacks. It runs at every boot and does what is not done yet:
/// each step leaves a stamp in /var/lib/piflash, and a lock lets only one copy work. The join token reaches the node in a
/// file of its own on the boot partition, which the program moves away and overwrites before anything else; it is handed
/// to Docker on curl's standard input, through the engine's API, since `docker swarm join` takes a token only among its
/// arguments, where every user of the node can read it. Without a curl that speaks to sockets (before 7.40) the command
/// is used all the same: nobody else is on the node that early.
///
/// For tests: PIFLASH_ROOT goes in front of every path, PIFLASH_TICK is the length of a second, and PIFLASH_ROUNDS bounds
/// the tries to join.
enum FirstBootProgram {
    static let path = "/usr/local/lib/piflash/first-boot"
    static let settingsPath = "/etc/piflash/settings"
    static let commandsDirectory = "/etc/piflash/run.d"

    /// Its parts, in this order; each a file of FirstBoot/, compiled in.
    private static let parts = [
        PackageResources.head_sh, PackageResources.system_sh, PackageResources.service_sh, PackageResources.docker_sh,
        PackageResources.install_sh, PackageResources.preload_sh, PackageResources.swarm_sh, PackageResources.form_sh,
        PackageResources.classic_sh, PackageResources.main_sh,
    ]

    static let source = parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
}
