/// The program that finishes a node's first boot: one for all flavours, which differ only in how they start it.
///
/// POSIX sh, for dash and busybox, with nothing that wheezy lacks. It runs at every boot and does what is not done yet:
/// each step leaves a stamp in /var/lib/piflash, and a lock lets only one copy work. The join token reaches the node in a
/// file on the boot partition, which the program moves away and overwrites before anything else. It goes to Docker on
/// curl's standard input, through the engine's API, since `docker swarm join` takes a token only among its arguments, which
/// every user of the node can read. With a curl that cannot use sockets (before 7.40) the command is used all the same:
/// nobody else is on the node that early.
///
/// For tests: PIFLASH_ROOT goes in front of every path, PIFLASH_TICK is the length of a second, and PIFLASH_ROUNDS limits
/// the tries to join.
enum FirstBootProgram {
    static let path = "/usr/local/lib/piflash/first-boot"
    static let settingsPath = "/etc/piflash/settings"
    static let commandsDirectory = "/etc/piflash/run.d"
    static let swarmCommandsDirectory = "/etc/piflash/swarm-run.d"
    /// The keys with which the recipe's user logs in.
    static let keysPath = "/etc/piflash/authorized_keys"
    /// The instance of cloud-init of which everything is on the card.
    static let seededPath = "/var/lib/piflash/seeded"
    /// Made by cloud-init's last command, at each boot in which it runs.
    static let seedEndPath = "\(runDirectory)/seeded"
    static let runDirectory = "/run/piflash"

    /// A file of FirstBoot/, compiled in.
    struct Part {
        let name: String
        let text: String

        init(_ name: String, _ bytes: [UInt8]) {
            self.name = name
            text = String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Also a part of firstrun.sh.
    static let account = Part("account", PackageResources.account_sh)

    /// In the order of the program: a part uses only functions of those before it.
    static let parts = [
        Part("head", PackageResources.head_sh), Part("lib", PackageResources.lib_sh),
        Part("clock", PackageResources.clock_sh),
        Part("system", PackageResources.system_sh), Part("service", PackageResources.service_sh),
        Part("docker", PackageResources.docker_sh), Part("packages", PackageResources.packages_sh),
        Part("kernel", PackageResources.kernel_sh), Part("install", PackageResources.install_sh),
        Part("preload", PackageResources.preload_sh), Part("token", PackageResources.token_sh),
        Part("time", PackageResources.time_sh),
        Part("swarm", PackageResources.swarm_sh), Part("stacks", PackageResources.stacks_sh),
        Part("form", PackageResources.form_sh),
        Part("classic", PackageResources.classic_sh), account, Part("files", PackageResources.files_sh),
        Part("wipe", PackageResources.wipe_sh),
        Part("checks", PackageResources.checks_sh), Part("main", PackageResources.main_sh),
    ]

    static let source = parts.map(\.text).joined(separator: "\n")
}
