import Systems

/// The schemes of crypt(5) that a system's C library checks.
enum PasswordSchemes {
    /// glibc's own crypt (crypt(3) of glibc 2.28 and before). Debian 11 and Ubuntu 19.10 replaced it by libxcrypt, the package
    /// libcrypt1, which knows all of them.
    private static let ofGlibc: Set = ["1", "5", "6"]

    static func isKnown(_ scheme: String, _ profile: OSProfile, root: RootSnapshot?) -> Bool {
        ofGlibc.contains(scheme) || hasLibxcrypt(profile, root: root)
    }

    private static func hasLibxcrypt(_ profile: OSProfile, root: RootSnapshot?) -> Bool {
        if let root, !root.packages.isEmpty { return root.version(of: "libcrypt1") != nil }
        let old = ["wheezy", "jessie", "stretch", "buster"]
        switch profile.flavour {
        case .hypriotOccidentalis, .hypriotDeviceInit, .hypriotCloudInit, .raspbian: return false
        case .raspberryPiOSCustomTOML, .raspberryPiOSCloudInit, .ubuntuCloudInit: return true
        case .raspberryPiOSFirstRun, .dietPi, .debianRaspi, .rootPartition:
            // Without the release, the card may hold a buster.
            if let codename = profile.system?.codename { return !old.contains(codename) }
            return profile.bootMountPoint == "/boot/firmware"
        }
    }
}
