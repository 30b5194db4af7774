/// A line of /etc/piflash/settings, which the first-boot program and the token service read.
struct FirstBootSetting: Hashable, Sendable {
    /// The one list of the settings' names. head.sh gives each of them a value for a card that does not set it.
    enum Name: String, Sendable, CaseIterable {
        case node = "NODE"
        /// Where the boot partition is mounted.
        case boot = "BOOT"
        /// Seconds since 1970.
        case flashTime = "FLASH_TIME"
        /// A digest of all other settings: work is finished for one generation only.
        case generation = "GENERATION"

        case docker = "DOCKER"
        /// A digest of Docker's configuration; empty for none.
        case dockerConfiguration = "DOCKER_CONFIG"
        case dockerHosts = "DOCKER_HOSTS"
        case dockerProxy = "DOCKER_PROXY"
        case install = "INSTALL"
        case installFrom = "INSTALL_FROM"
        case channel = "CHANNEL"
        case armv6 = "ARMV6"
        case dockerUser = "DOCKER_USER"
        case debs = "DEBS"
        case preload = "PRELOAD"

        /// A package with modules that the kernel lacks; empty for none.
        case kernelPackage = "KERNEL_PACKAGE"

        case run = "RUN"
        case packages = "PACKAGES"
        /// Whether ``NodeProxy/environmentPath`` gives proxies.
        case proxy = "PROXY"
        /// A digest of the proxies: other proxies are another generation. No program reads it.
        case proxyDigest = "PROXY_DIGEST"
        /// Which archive has moved: see ``PackageArchive/Legacy``; empty if none.
        case legacyArchive = "LEGACY_ARCHIVE"
        case locale = "LOCALE"
        case wifi = "WIFI"
        case hosts = "HOSTS"
        /// A digest of the files that are installed for their owners; empty for none.
        case files = "FILES"

        case account = "ACCOUNT"
        case accountGroups = "ACCOUNT_GROUPS"
        /// "*" for no password.
        case passwordHash = "PASSWORD_HASH"
        /// Whether the image's first user becomes the recipe's.
        case takeover = "TAKEOVER"
        /// Whether sshd takes passwords: "yes" or "no"; empty if the system's own first boot decides.
        case passwordLogin = "PASSWORD_LOGIN"
        /// How the user becomes root: "passwordless", "password" or "none".
        case sudo = "SUDO"
        /// Whether cloud-init makes the node.
        case seed = "SEED"
        /// Whether the boot partition has held secrets.
        case wipe = "WIPE"
        /// Accounts whose password is locked once: it was on the boot partition.
        case locked = "LOCKED"

        case swarm = "SWARM"
        case managers = "MANAGERS"
        case advertise = "ADVERTISE"
        case role = "ROLE"
        case form = "FORM"
        case first = "FIRST"
        case tokenServicePort = "DOOR_PORT"
        case labels = "LABELS"
        /// The pools of the swarm's networks; empty for Docker's own.
        case addressPool = "ADDRESS_POOL"
        case certificateHours = "CERTIFICATE_HOURS"
        /// NAME,OPTION,… each, with the options of `docker network create`.
        case networks = "NETWORKS"
        /// NAME:DIGEST each.
        case stacks = "STACKS"
        /// The commands of first_boot.after_swarm.
        case swarmRun = "SWARM_RUN"
        case nodes = "NODES"
        case availabilityManager = "AVAILABILITY_MANAGER"
        case availabilityWorker = "AVAILABILITY_WORKER"
        /// A digest of the rack's public keys. No program reads it: it makes another generation of a card with other keys.
        case keys = "KEYS"
        case classic = "CLASSIC"
        case consul = "CONSUL"

        /// Those that the first-boot program does not read itself.
        static let readElsewhere: Set<Self> = [.availabilityManager, .availabilityWorker, .keys, .proxyDigest]
    }

    let name: Name
    let value: String

    init(_ name: Name, _ value: String) {
        self.name = name
        self.value = value
    }

    init(_ name: Name, _ flag: Bool) { self.init(name, flag ? "1" : "0") }
}
