import Systems

/// /etc/ssh/sshd_config, where the first value of a keyword counts (sshd_config(5)).
enum SSHDConfiguration {
    static let path = RootPath.sshdConfiguration
    /// The line before the one that piflash has written.
    static let mark = "# piflash: the next line is its own"

    static func line(allowsPasswords: Bool) -> String { "PasswordAuthentication \(allowsPasswords ? "yes" : "no")" }

    static func edited(_ text: String, allowsPasswords: Bool) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let index = lines.firstIndex(of: mark) { lines.removeSubrange(index...min(index + 1, lines.count - 1)) }
        lines.insert(contentsOf: [mark, line(allowsPasswords: allowsPasswords)], at: 0)
        return lines.joined(separator: "\n")
    }
}
