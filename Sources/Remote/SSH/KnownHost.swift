import Text
import Glibc

/// Under which name ssh looks for the host key of an address, and in which files: what `ssh -G` prints.
struct KnownHost: Hashable, Sendable {
    /// "192.168.50.11"; with another port than 22 "[192.168.50.11]:2222"; or the HostKeyAlias.
    var name: String
    /// The user's files, in the order of ssh.
    var userFiles: [String] = []
    /// The machine's files.
    var globalFiles: [String] = []

    /// What is known without ssh's help.
    init(address: String) { name = address }

    init(address: String, configuration: String) {
        var values: [Substring: Substring] = [:]
        for line in configuration.split(whereSeparator: \.isNewline) {
            let words = line.split(at: " ", maxSplits: 1)
            if words.count == 2, values[words[0]] == nil { values[words[0]] = words[1] }
        }
        let host = String(values["hostname"] ?? Substring(address))
        let port = values["port"] ?? "22"
        // sshconnect.c: an alias stands for the port, too.
        name = values["hostkeyalias"].map(String.init) ?? (port == "22" ? host : "[\(host)]:\(port)")
        func files(_ key: Substring) -> [String] {
            (values[key] ?? "").split(at: " ").map(String.init).filter { $0.begins(with: "/") }
        }
        userFiles = files("userknownhostsfile")
        globalFiles = files("globalknownhostsfile")
    }

    /// The file that `ssh-keygen -R` changes if it is not told one. ssh does not ask for HOME.
    static var defaultFile: String? {
        getpwuid(getuid()).flatMap { $0.pointee.pw_dir }.map { String(cString: $0) + "/.ssh/known_hosts" }
    }
}
