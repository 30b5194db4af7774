/// The parts of a root partition that detection and rendering need: a value, like ``BootSnapshot``.
package struct RootSnapshot: Hashable, Sendable {
    /// What is at a path.
    package enum Kind: Hashable, Sendable {
        /// A file; with its contents if it is one of ``kept``.
        case file(contents: [UInt8]?)
        case directory
        case symbolicLink(target: String)
    }

    package struct Entry: Hashable, Sendable {
        package var kind: Kind
        /// Permission bits.
        package var mode: UInt16
        package var user: UInt32
        package var group: UInt32
        /// The time of last modification, in seconds since 1970.
        package var modified: Int64

        package init(_ kind: Kind, mode: UInt16 = 0o644, user: UInt32 = 0, group: UInt32 = 0, modified: Int64 = 0) {
            self.kind = kind
            self.mode = mode
            self.user = user
            self.group = group
            self.modified = modified
        }
    }

    /// By absolute path as the running system names it: links in the directories of a path are followed, a link at its
    /// end is not. Has every path of ``kept`` and ``noted`` that exists.
    package var entries: [String: Entry]
    /// The installed Debian packages among ``lookedFor``, with their full versions.
    package var packages: [String: String]
    /// How many packages the list has, installed or not; 0 if it was not read.
    package var packageCount: Int
    /// The userland's architecture, from the ELF headers of its programs: "armv6", "armv7", "arm64", "amd64".
    package var architecture: String?
    /// The names of the time zones below ``RootPath/timeZones``; empty if there are none.
    package var timeZones: Set<String>
    /// The texts of cloud-init's configuration, in the order in which they are read: a later one counts more.
    package var cloudConfiguration: [String]
    /// Why the partition can be read but not edited (a journal that was not replayed, an unknown feature), for people.
    package var problem: String?

    package init(
        entries: [String: Entry] = [:], packages: [String: String] = [:], packageCount: Int = 0,
        architecture: String? = nil, timeZones: Set<String> = [], cloudConfiguration: [String] = [],
        problem: String? = nil
    ) {
        self.entries = entries
        self.packages = packages
        self.packageCount = packageCount
        self.architecture = architecture
        self.timeZones = timeZones
        self.cloudConfiguration = cloudConfiguration
        self.problem = problem
    }

    /// The files whose contents are kept if they exist.
    package static let kept =
        [
            RootPath.osRelease, RootPath.vendorOSRelease, RootPath.hypriotRelease, RootPath.rpiIssue,
            RootPath.dietPiVersion, RootPath.fileSystemTable, RootPath.passwd, RootPath.shadow, RootPath.group,
            RootPath.gshadow, RootPath.subuid, RootPath.subgid, RootPath.hosts, RootPath.localeList, RootPath.fakeClock,
            RootPath.supportedLocales, RootPath.keyboardRules, RootPath.resolver, RootPath.dhcpcd, RootPath.interfaces,
            RootPath.networkManagerState, RootPath.sshdConfiguration,
            RootPath.startOrder, RootPath.dockerOptions, RootPath.takenFiles, RootPath.cloudSourceIdentification,
            RootPath.customTOMLReader, RootPath.dietPiStage, RootPath.environment,
        ] + RootPath.skeletonFiles + RootPath.dockerUnits

    /// Paths of which only the kind, mode, owner and time are noted.
    package static let noted =
        [
            RootPath.raspiImageID, RootPath.dietPiDirectory, RootPath.deviceInit, RootPath.initProgram,
            RootPath.firstBootDone, RootPath.cloudInstance, RootPath.sudoersDirectory, RootPath.hostname,
            RootPath.timezone, RootPath.locale, RootPath.localeConfiguration, RootPath.keyboard,
            RootPath.timesyncDirectory,
            RootPath.timesyncClock,
            RootPath.oldTimesyncClock, RootPath.sshScript, RootPath.dockerScript, RootPath.workerKey,
            RootPath.managerKey, RootPath.cloudInit, RootPath.cloudInitDisabled, RootPath.firstBoot,
            RootPath.maskedRunGenerator, RootPath.occi, RootPath.occiScript, RootPath.sysconfReader,
            RootPath.userDialogue, RootPath.userBanner, RootPath.fileList(of: "cloud-init"),
        ] + RootPath.timesyncPrograms + RootPath.blockedRadios + RootPath.sshUnits + RootPath.cloudSeeds
        + RootPath.runGenerators
        + RootPath.generatorDirectories + UnitPaths.readers.flatMap(\.paths)

    /// The packages that ``packages`` can contain.
    package static let lookedFor: Set<String> = [
        "docker-ce", "docker-engine", "docker.io", "docker-hypriot", "lxc-docker", "systemd", "systemd-sysv",
        "sysvinit", "sysvinit-core", "cloud-init", "dhcpcd", "dhcpcd5", "ifupdown", "network-manager",
        "raspberrypi-sys-mods", "raspberrypi-net-mods", "python3-toml", "resolvconf", "openresolv",
        "avahi-daemon", "locales", "locales-all", "libcrypt1",
    ]

    static let keptPaths = Set(kept)
    private static let paths = Set(kept + noted)

    /// The text of a file of ``kept``; nil if it does not exist. Bytes that are not UTF-8 are replaced.
    package func text(_ path: String) -> String? { contents(path).map { String(decoding: $0, as: UTF8.self) } }

    /// The contents of a file of ``kept``; nil if it does not exist.
    package func contents(_ path: String) -> [UInt8]? {
        assert(Self.keptPaths.contains(path), "the contents of \(path) are not in the snapshot: see RootSnapshot.kept")
        guard case .file(let contents) = entries[path]?.kind else { return nil }
        return contents
    }

    /// What is at a path of ``kept`` or ``noted``; nil if nothing is.
    ///
    /// Other paths are not in the snapshot, whether they exist or not: asking for one is a mistake, which debug builds
    /// stop at.
    package func entry(_ path: String) -> Entry? {
        assert(Self.paths.contains(path), "\(path) is not in the snapshot: see RootSnapshot.noted")
        return entries[path]
    }

    /// Whether a path of ``kept`` or ``noted`` exists.
    package func has(_ path: String) -> Bool { entry(path) != nil }

    /// The full version of a package of ``lookedFor``; nil if it is not installed.
    package func version(of package: String) -> String? {
        assert(Self.lookedFor.contains(package), "\(package) is not in the snapshot: see RootSnapshot.lookedFor")
        return packages[package]
    }
}
