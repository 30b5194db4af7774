import Text

/// Names, paths and settings of a node.
extension ValueRule {
    /// The strictest rule of all systems: labels of RFC 1123, in lower case.
    package static let hostname = ValueRule(
        "host name", "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        suggestion: "1 to 63 of a-z, 0-9 and \"-\", without \"-\" at either end")

    /// Raspberry Pi OS's rule, which is the strictest.
    static let userName = ValueRule(
        "user name", "(?!root$)[a-z][a-z0-9-]{0,31}",
        suggestion: "a-z, 0-9 and \"-\", starting with a letter, at most 32"
    ) {
        if $0 == "root" { return "\"root\" cannot be the user: name an ordinary user, who may use sudo" }
        return SystemAccounts.contains($0)
            ? "\"\($0)\" is a user or a group of the system itself; take another name" : nil
    }

    static let groupName = ValueRule(
        "group name", "[a-z_][a-z0-9_-]{0,31}",
        suggestion: "a-z, 0-9, \"_\" and \"-\", starting with a letter or \"_\", at most 32")

    /// IEEE 802.11: an SSID has 0 to 32 bytes. An empty one does not name a network. Not every file that carries it can
    /// carry control characters.
    static let ssid = ValueRule("SSID", #"[^\x00-\x1f\x7f-\x9f]{1,32}"#, suggestion: "1 to 32 bytes") { text in
        if text.unicodeScalars.contains(where: \.isControl) { return "the SSID contains a control character" }
        let count = text.utf8.count
        return (1...32).contains(count) ? nil : "an SSID has 1 to 32 bytes, \"\(text)\" has \(count)"
    }

    /// Debian Policy, 5.6.1 and 5.6.12: a package's name, and a version that apt-get install takes behind "=".
    static let packageName = ValueRule(
        "package name", "[a-z0-9][a-z0-9+.-]+(=[A-Za-z0-9.+:~-]+)?", suggestion: "avahi-daemon, or avahi-daemon=0.8-10")

    /// Directories that are empty at each boot (hier(7), tmpfiles.d(5)); /var/run and /var/lock lead to /run.
    private static let volatile = ["/run", "/tmp", "/proc", "/sys", "/dev", "/var/run", "/var/lock"]

    static let filePath = ValueRule(
        "absolute path of a file", #"~?(/(?!\.\.?(/|$))[^/\x00-\x1f\x7f-\x9f]+)+"#,
        suggestion: "/etc/motd or ~/.profile, without \"..\", \"//\", and control characters"
    ) { path in
        guard let directory = volatile.first(where: { path == $0 || path.begins(with: $0 + "/") }) else { return nil }
        return "\(directory) is empty at each boot, so the file would be lost: choose another directory "
            + "(/etc, /usr/local, /srv, /var/lib)"
    }

    /// A user or a group: a name as adduser's NAME_REGEX_SYSTEM takes it (Debian-snmp), or a number below "nobody".
    static let account = ValueRule(
        "owner or group", "[A-Za-z_][A-Za-z0-9_.-]{0,31}|0|[1-9][0-9]{0,4}",
        suggestion: "a name, or a number up to 65533"
    ) { text in
        if text.contains(scalar: ":") { return "\"\(text)\": write owner and group as two keys" }
        guard let number = UInt32(text), number > 65_533 else { return nil }
        return "\(text) is too large: a number up to 65533"
    }

    static let fileMode = ValueRule("file mode", "0?[0-7]{3}", suggestion: "\"0644\"")

    static let fileContent = ValueRule("file content", acceptsZeroBytes: true)

    static let sha256 = ValueRule("SHA-256", "[0-9A-Fa-f]{64}", suggestion: "64 hex digits")

    /// A file on this computer.
    static let localPath = ValueRule("path of a file", check: pathProblem)

    static let imagePath = ValueRule("path of an image", suggestion: "hypriotos.img.zip", check: pathProblem)

    private static func pathProblem(_ text: String) -> String? {
        text.contains(bytes: "://")
            ? "\"\(text)\" is a URL: download it (`curl -LO …`), and name the file here" : controlProblem(text)
    }

    private static func controlProblem(_ text: String) -> String? {
        text.unicodeScalars.contains(where: \.isControl) ? "the path contains a control character" : nil
    }
}

extension Unicode.Scalar {
    /// C0, DEL and C1: a terminal obeys them, and no value that is one line can mean them.
    var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}
