/// Paths on a node's boot partition, relative to its root.
package enum BootPath {
    package static let commandLine = "cmdline.txt"
    /// Ubuntu from 25.10 on.
    package static let currentCommandLine = "current/cmdline.txt"
    package static let configuration = "config.txt"
    package static let osRelease = "os-release"
    /// Put on every image by pi-gen.
    package static let issue = "issue.txt"
    package static let readme = "README"
    package static let fakeClock = "fake-hwclock.data"

    // cloud-init's NoCloud seed
    package static let metaData = "meta-data"
    package static let userData = "user-data"
    package static let networkConfiguration = "network-config"

    // The other vendors' first-boot configuration
    package static let occidentalis = "occidentalis.txt"
    package static let deviceInit = "device-init.yaml"
    package static let dietPi = "dietpi.txt"
    package static let dietPiWiFi = "dietpi-wifi.txt"
    package static let sysconf = "sysconf.txt"
    /// Of Raspbian and Raspberry Pi OS: switches sshd on.
    package static let ssh = "ssh"
    /// Of Raspbian and Raspberry Pi OS up to bullseye.
    package static let wpaSupplicant = "wpa_supplicant.conf"

    // piflash
    package static let cardRecord = "piflash/card.json"
    /// The record that a card gets when an edit of it is finished.
    package static let unfinishedRecord = "piflash/card-unfinished.json"
    /// What the first boot is doing.
    package static let status = "piflash/status.txt"
}
