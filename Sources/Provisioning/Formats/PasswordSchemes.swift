import Systems

/// The schemes of crypt(5) that a system's C library checks.
enum PasswordSchemes {
    /// glibc's own crypt (crypt(3) of glibc 2.28 and before). Debian 11 and Ubuntu 19.10 replaced it by libxcrypt, the package
    /// libcrypt1, which knows all of them.
    private static let ofGlibc: Set = ["1", "5", "6"]

    /// The strongest scheme that the system checks.
    static func best(_ profile: OSProfile, root: RootSnapshot?) -> PasswordHash.Scheme {
        hasLibxcrypt(profile, root: root) ? .yescrypt : .sha512crypt
    }

    static func isKnown(_ scheme: String, _ profile: OSProfile, root: RootSnapshot?) -> Bool {
        ofGlibc.contains(scheme) || hasLibxcrypt(profile, root: root)
    }

    /// Releases with glibc's crypt; no later release of Debian or Ubuntu has it.
    private static let old: Set = [
        "wheezy", "jessie", "stretch", "buster", "trusty", "xenial", "bionic", "cosmic", "disco",
    ]

    /// By the release; if the image does not name it, by its packages; if they were not read, by what its flavour can be.
    private static func hasLibxcrypt(_ profile: OSProfile, root: RootSnapshot?) -> Bool {
        if let codename = profile.system?.codename { return !old.contains(codename) }
        if let root, !root.packages.isEmpty { return root.version(of: "libcrypt1") != nil }
        switch profile.flavour {
        case .hypriotOccidentalis, .hypriotDeviceInit, .hypriotCloudInit, .raspbian: return false
        case .raspberryPiOSCustomTOML, .raspberryPiOSCloudInit, .ubuntuCloudInit: return true
        // At /boot it may be a buster.
        case .raspberryPiOSFirstRun, .dietPi, .debianRaspi, .rootPartition:
            return profile.bootMountPoint == "/boot/firmware"
        }
    }
}
