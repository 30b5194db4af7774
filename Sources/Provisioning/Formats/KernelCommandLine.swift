import Diagnostics
import Text

/// The kernel command line of a Pi, `cmdline.txt`: exactly one line, of which the firmware reads only the first.
///
/// Tokens are appended at the end, since later ones win over the device tree's; the image's own (`resize`, `init=…`, the
/// root device) stay, for its first boot deletes them by matching a blank and the token.
struct KernelCommandLine: Hashable, Sendable {
    private(set) var tokens: [String]

    /// Reads the file, without a byte-order mark or carriage returns that an editor has left.
    init(parsing bytes: [UInt8], path: String) throws(Failure) {
        let text = String(decoding: bytes, as: UTF8.self).withoutByteOrderMark
        tokens =
            text.unicodeScalars
            .split { $0 == "\n" || $0 == "\r" }
            .lazy.map { Self.split(String($0)) }
            .first { !$0.isEmpty } ?? []
        guard !tokens.isEmpty else {
            throw Failure(
                .provisioning, severity: .refused, "\(path) on the boot partition is empty: the card cannot boot",
                hint: "write the image again")
        }
    }

    mutating func remove(_ unwanted: [String]) {
        for token in unwanted {
            if let index = tokens.lastIndex(of: token) { tokens.remove(at: index) }
        }
    }

    /// Appends those of `wanted` that are not there yet, and returns them.
    mutating func append(_ wanted: [String]) -> [String] {
        var added: [String] = []
        for token in wanted where !tokens.contains(token) {
            tokens.append(token)
            added.append(token)
        }
        return added
    }

    var contents: [UInt8] { Array((tokens.joined(separator: " ") + "\n").utf8) }

    /// Splits at blanks outside double quotes, as the kernel does (lib/cmdline.c, next_arg).
    private static func split(_ line: String) -> [String] {
        var tokens: [String] = []
        var token = ""
        var quoted = false
        for character in line.unicodeScalars {
            if character == "\"" { quoted.toggle() }
            if !quoted, character == " " || character == "\t" {
                if !token.isEmpty { tokens.append(token) }
                token = ""
            } else {
                token.unicodeScalars.append(character)
            }
        }
        return token.isEmpty ? tokens : tokens + [token]
    }

    /// What Docker needs to limit memory on every Pi kernel from 3.x to 6.12. Kernels have changed the spelling twice and
    /// the default three times; each ignores what it does not know.
    static let controlGroups = ["cgroup_enable=cpuset", "cgroup_enable=memory", "cgroup_memory=1"]

    /// The wireless country before any program has set one.
    static func regulatoryDomain(_ country: String) -> String { "cfg80211.ieee80211_regdom=\(country)" }
}
