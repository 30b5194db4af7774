/// /etc/ssh/sshd_config, where the first value of a keyword counts (sshd_config(5)).
enum SSHDConfiguration {
    static let path = "/etc/ssh/sshd_config"
    private static let mark = "# piflash: the next line is its own"

    static func edited(_ text: String, allowsPasswords: Bool) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let index = lines.firstIndex(of: mark) { lines.removeSubrange(index...min(index + 1, lines.count - 1)) }
        lines.insert(contentsOf: [mark, "PasswordAuthentication \(allowsPasswords ? "yes" : "no")"], at: 0)
        return lines.joined(separator: "\n")
    }
}
