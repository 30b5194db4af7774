/// Paths on a node's root partition, as the running system names them.
package enum RootPath {
    // Identity
    package static let osRelease = "/etc/os-release"
    package static let vendorOSRelease = "/usr/lib/os-release"
    package static let hypriotRelease = "/etc/hypriot_release"
    package static let rpiIssue = "/etc/rpi-issue"
    package static let raspiImageID = "/etc/raspi-image-id"
    package static let dietPiDirectory = "/boot/dietpi"
    package static let dietPiVersion = "/boot/dietpi/.version"
    package static let deviceInit = "/usr/local/bin/device-init"
    package static let packageStatus = "/var/lib/dpkg/status"
    package static let initProgram = "/sbin/init"
    package static let fileSystemTable = "/etc/fstab"

    // What a first boot leaves behind
    /// HypriotOS of 2015.
    package static let firstBootDone = "/root/firstboot_done"
    /// cloud-init's link to the instance that it has set up.
    package static let cloudInstance = "/var/lib/cloud/instance"

    // What reads a system's own first-boot configuration
    package static let cloudInit = "/usr/bin/cloud-init"
    /// cloud-init(1): if this file exists, cloud-init does not run.
    package static let cloudInitDisabled = "/etc/cloud/cloud-init.disabled"
    package static let cloudConfiguration = "/etc/cloud/cloud.cfg"
    package static let cloudConfigurationDirectory = "/etc/cloud/cloud.cfg.d"
    package static let cloudSourceIdentification = "/etc/cloud/ds-identify.cfg"
    /// Links that HypriotOS has to its seed on the boot partition.
    package static let cloudSeeds = [
        "/var/lib/cloud/seed/nocloud-net/user-data", "/var/lib/cloud/seed/nocloud/user-data",
    ]
    /// raspberrypi-sys-mods: started by `init=` before systemd.
    package static let firstBoot = "/usr/lib/raspberrypi-sys-mods/firstboot"
    /// raspberrypi-sys-mods: reads custom.toml.
    package static let customTOMLReader = "/usr/lib/raspberrypi-sys-mods/init_config"
    /// systemd-run-generator(8), which makes a unit of `systemd.run=`; systemd.generator(7) has the directories.
    package static let runGenerators = [
        "/lib/systemd/system-generators/systemd-run-generator",
        "/usr/lib/systemd/system-generators/systemd-run-generator",
    ]
    package static let generatorDirectories = ["/lib/systemd/system-generators", "/usr/lib/systemd/system-generators"]
    package static let maskedRunGenerator = "/etc/systemd/system-generators/systemd-run-generator"
    package static let occi = "/usr/bin/occi"
    package static let occiScript = "/etc/init.d/occi"
    package static let sysconfReader = "/usr/local/sbin/rpi-set-sysconf"
    package static let dietPiStage = "/boot/dietpi/.install_stage"
    /// userconf-pi asks for a user on the console until there is one.
    package static let userDialogue = "/etc/systemd/system/multi-user.target.wants/userconfig.service"
    package static let userBanner = "/etc/ssh/sshd_config.d/rename_user.conf"

    /// dpkg's list of the files of a package.
    static func fileList(of package: String) -> String { "/var/lib/dpkg/info/\(package).list" }

    // Accounts: passwd(5), shadow(5), group(5), gshadow(5), subuid(5), subgid(5)
    package static let passwd = "/etc/passwd"
    package static let shadow = "/etc/shadow"
    package static let group = "/etc/group"
    package static let gshadow = "/etc/gshadow"
    package static let subuid = "/etc/subuid"
    package static let subgid = "/etc/subgid"
    package static let skeletonFiles = ["/etc/skel/.bashrc", "/etc/skel/.profile", "/etc/skel/.bash_logout"]
    package static let sudoersDirectory = "/etc/sudoers.d"

    // Names, locale and clock
    package static let hostname = "/etc/hostname"
    package static let hosts = "/etc/hosts"
    package static let timezone = "/etc/timezone"
    package static let localtime = "/etc/localtime"
    package static let locale = "/etc/default/locale"
    /// locale.conf(5)
    package static let localeConfiguration = "/etc/locale.conf"
    package static let localeList = "/etc/locale.gen"
    package static let keyboard = "/etc/default/keyboard"
    /// The locales that locale-gen can make, a name and a character set a line.
    package static let supportedLocales = "/usr/share/i18n/SUPPORTED"
    /// XKB's layouts and variants, one a line.
    package static let keyboardRules = "/usr/share/X11/xkb/rules/base.lst"
    package static let timeZones = "/usr/share/zoneinfo"
    package static let fakeClock = "/etc/fake-hwclock.data"
    package static let timesyncPrograms = ["/lib/systemd/systemd-timesyncd", "/usr/lib/systemd/systemd-timesyncd"]
    package static let timesyncDirectory = "/var/lib/systemd/timesync"
    package static let timesyncClock = "/var/lib/systemd/timesync/clock"
    /// Before systemd 229.
    package static let oldTimesyncClock = "/var/lib/systemd/clock"

    // Network
    package static let dhcpcd = "/etc/dhcpcd.conf"
    package static let interfaces = "/etc/network/interfaces"
    package static let resolver = "/etc/systemd/resolved.conf"
    /// Where systemd-rfkill(8) keeps the state of the radios of a Pi 3 and a Pi 4.
    package static let blockedRadios = ["3f300000", "fe300000"].map {
        "/var/lib/systemd/rfkill/platform-\($0).mmcnr:wlan"
    }
    package static let networkManagerState = "/var/lib/NetworkManager/NetworkManager.state"

    /// pam_env(8).
    package static let environment = "/etc/environment"

    // Services
    package static let sshdConfiguration = "/etc/ssh/sshd_config"
    package static let sshUnits = ["/lib/systemd/system/ssh.service", "/usr/lib/systemd/system/ssh.service"]
    package static let sshScript = "/etc/init.d/ssh"
    /// sysvinit's order of starting (insserv(8)).
    package static let startOrder = "/etc/init.d/.depend.start"
    /// A unit in /etc replaces the package's.
    package static let dockerUnits = [
        "/etc/systemd/system/docker.service", "/lib/systemd/system/docker.service",
        "/usr/lib/systemd/system/docker.service",
    ]
    package static let dockerScript = "/etc/init.d/docker"
    package static let daemonConfiguration = "/etc/docker/daemon.json"
    /// DOCKER_OPTS and dockerd's environment, for engines and init systems that read it.
    package static let dockerOptions = "/etc/default/docker"

    // piflash
    /// The names of carried files that the first boot has used up.
    package static let takenFiles = "/var/lib/piflash/taken"
    package static let workerKey = "/etc/piflash/swarm/worker_key"
    package static let managerKey = "/etc/piflash/swarm/manager_key"
}
