import FoundationEssentials

/// The rules that values must keep, each as "what is wrong", or nil when nothing is. Literals are checked when a recipe
/// is read, tagged secrets when they are.
package enum ValueRules {
    /// The strictest rule of all systems: labels of RFC 1123, in lower case.
    package static func hostname(_ text: String) -> String? {
        text.wholeMatch(of: /[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/) == nil
            ? "\"\(text)\" is no host name (1 to 63 of a-z, 0-9 and \"-\", with no \"-\" at either end)" : nil
    }

    /// Raspberry Pi OS's rule, which is the strictest.
    package static func userName(_ text: String) -> String? {
        if text == "root" { return "\"root\" cannot be the user: name an ordinary one, who may use sudo" }
        return text.wholeMatch(of: /[a-z][a-z0-9-]{0,31}/) == nil
            ? "\"\(text)\" is no user name (a-z, 0-9 and \"-\", starting with a letter, at most 32)" : nil
    }

    package static func groupName(_ text: String) -> String? {
        text.wholeMatch(of: /[a-z_][a-z0-9_-]{0,31}/) == nil ? "\"\(text)\" is no group name" : nil
    }

    package static func password(_ text: String) -> String? {
        if text.isEmpty { return "the password is empty" }
        return text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
            ? "the password holds a control character (a line end?)" : nil
    }

    /// IEEE 802.11: an SSID is 0 to 32 bytes; none is no network one can name.
    package static func ssid(_ text: String) -> String? {
        let count = text.utf8.count
        if text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            return "the SSID holds a control character, which not every format can carry"
        }
        return (1...32).contains(count) ? nil : "an SSID has 1 to 32 bytes, \"\(text)\" has \(count)"
    }

    /// IEEE 802.11i, H.4: a passphrase is 8 to 63 printable ASCII characters; 64 hex digits are a ready key.
    package static func passphrase(_ text: String) -> String? {
        let count = text.utf8.count
        if count == 64 {
            return text.utf8.allSatisfy(\.isHexDigit) ? nil : "a wifi key of 64 characters must be hex digits"
        }
        guard (8...63).contains(count) else {
            return "a wifi passphrase has 8 to 63 characters (or 64 hex digits), this one has \(count)"
        }
        return text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
            ? "the wifi passphrase holds a control character (a line end?)" : nil
    }

    package static func country(_ text: String) -> String? {
        text.wholeMatch(of: /[A-Z]{2}/) == nil ? "\"\(text)\" is no country (two capitals, as in DE)" : nil
    }

    /// The shape of Docker's join tokens: SWMTKN-1, the CA's digest and the secret, in base 36.
    package static func joinToken(_ text: String) -> String? {
        text.wholeMatch(of: /SWMTKN-1-[0-9a-z]{50}-[0-9a-z]{25}/) == nil
            ? "this is no join token (`docker swarm join-token -q worker` on a manager prints one)" : nil
    }

    /// One line of an authorized_keys file without options (sshd(8)): type, base64, comment. The type also stands inside
    /// the base64 (RFC 4253, 6.6), which catches keys that were cut off.
    package static func sshPublicKey(_ text: String) -> String? {
        if text.contains("PRIVATE KEY") { return "this is a private key: name the .pub file beside it" }
        if text.unicodeScalars.contains(where: { $0.value < 0x20 }) { return "an SSH key is one line" }
        let words = text.split(separator: " ", maxSplits: 2).map(String.init)
        guard words.count >= 2, let blob = Data(base64Encoded: words[1]), blob.count > 4 else {
            return "this is no SSH public key (it starts with its type, as ssh-ed25519, then base64)"
        }
        let length = blob.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard blob.count >= 4 + length, Array(blob.dropFirst(4).prefix(length)) == Array(words[0].utf8) else {
            return "this SSH public key is damaged: its type is not the one inside"
        }
        return nil
    }

    package static func ipv4(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.count == 1 || part.first != "0", let byte = UInt8(part)
            else { return nil }
            value = value << 8 | UInt32(byte)
        }
        return value
    }

    package static func isIPAddress(_ text: String) -> Bool {
        ipv4(text) != nil || (text.contains(":") && text.wholeMatch(of: /[0-9A-Fa-f:.]{2,45}/) != nil)
    }

    /// An IP address or a host name, with or without a port.
    package static func manager(_ text: String) -> String? {
        let problem = "\"\(text)\" is no address of a manager (an IP or a host name, with or without \":port\")"
        var host = text
        if let match = text.wholeMatch(of: /(\[[0-9A-Fa-f:.]+\]|[^:]+)(?::([0-9]{1,5}))?/) {
            host = String(match.1)
            if let port = match.2, !(1...65535).contains(Int(port) ?? 0) { return problem }
        } else if ipv4(text) == nil, !isIPAddress(text) {
            return problem
        }
        if host.hasPrefix("[") || isIPAddress(host) { return nil }
        // All digits and dots, but no address: a typing mistake rather than a name.
        if host.allSatisfy({ $0.isNumber || $0 == "." }) { return problem }
        return host.wholeMatch(of: /[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?/) == nil ? problem : nil
    }

    /// An http or https proxy, with or without a login: one word, that every format can carry.
    package static func proxy(_ text: String) -> String? {
        text.wholeMatch(
            of:
                /https?:\/\/([^\s@\/"'\\]+@)?(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)(:[0-9]{1,5})?\/?/
        )
            == nil ? "\"\(text)\" is no proxy (http://host:port)" : nil
    }

    /// What no_proxy may list: a host, a domain with or without a leading dot, an address, a network, or "*".
    package static func directHost(_ text: String) -> String? {
        text.wholeMatch(
            of: /\*|\.?[A-Za-z0-9*]([A-Za-z0-9.:_-]*[A-Za-z0-9])?(\/[0-9]{1,3})?|\[?[0-9A-Fa-f:]+\]?(\/[0-9]{1,3})?/)
            == nil ? "\"\(text)\" is no host, domain or network (host, .example.org, 192.168.0.0/16)" : nil
    }

    /// A node label's key. Docker takes almost anything; this is what placement constraints can name.
    package static func labelKey(_ text: String) -> String? {
        text.wholeMatch(of: /[A-Za-z0-9]([A-Za-z0-9._\/-]{0,126}[A-Za-z0-9])?/) == nil
            ? "\"\(text)\" is no label (letters, digits, \".\", \"_\", \"-\" and \"/\")" : nil
    }

    /// A node label's value: what placement constraints can compare with (swarmkit, manager/constraint).
    package static func labelValue(_ text: String) -> String? {
        text.wholeMatch(of: /[A-Za-z0-9:_.+@\/-]{1,128}/) == nil
            ? "\"\(text)\" is no value that a placement constraint can name (letters, digits and : _ . + @ / -)" : nil
    }

    /// docker/cli's rule for a stack's name, in lower case as engines want it.
    package static func stackName(_ text: String) -> String? {
        text.wholeMatch(of: /[a-z0-9][a-z0-9_-]{0,62}/) == nil ? "\"\(text)\" is no name of a stack" : nil
    }

    /// What dockerd takes for a mirror in every version: http(s)://host[:port], nothing more.
    package static func mirror(_ text: String) -> String? {
        text.wholeMatch(of: /https?:\/\/(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?/)
            == nil
            ? "\"\(text)\" is no registry mirror (http://host[:port] or https://host[:port], without user or path)"
            : nil
    }
}

extension UInt8 {
    var isHexDigit: Bool {
        (0x30...0x39).contains(self) || (0x41...0x46).contains(self) || (0x61...0x66).contains(self)
    }
}
