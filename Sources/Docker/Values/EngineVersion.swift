import Text

/// The version of a Docker engine, as far as it is a number: what packagers add to it is ignored.
package struct EngineVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let major: Int
    package let minor: Int
    package let patch: Int
    /// The number as it was written: "1.6.0", "17.05.0", "20.10.24".
    package let description: String

    package init(_ major: Int, _ minor: Int, _ patch: Int? = nil) {
        self.major = major
        self.minor = minor
        self.patch = patch ?? 0
        // From 17.03 to 20.10 the second number is a month, written with two digits.
        let second = (17...20).contains(major) && minor < 10 ? "0\(minor)" : "\(minor)"
        description = patch.map { "\(major).\(second).\($0)" } ?? "\(major).\(second)"
    }

    /// Reads "1.6.0", "v17.05.0-ce", "20.10.24+dfsg1", and a Debian package's "5:28.0.1-1~raspbian".
    package init?(_ text: String) {
        var rest = text[...]
        if let colon = rest.unicodeScalars.firstIndex(of: ":") {
            rest = rest[rest.unicodeScalars.index(after: colon)...]
        }
        if rest.first == "v" { rest = rest.dropFirst() }
        var number = rest.prefix { $0 == "." || ("0"..."9").contains($0) }
        while number.last == "." { number.removeLast() }
        let parts = number.split(at: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count >= 2, let major = parts[0], let minor = parts[1] else { return nil }
        self.major = major
        self.minor = minor
        patch = parts.count > 2 ? parts[2] ?? 0 : 0
        description = String(number)
    }

    package static func == (left: Self, right: Self) -> Bool {
        (left.major, left.minor, left.patch) == (right.major, right.minor, right.patch)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(major)
        hasher.combine(minor)
        hasher.combine(patch)
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }

    /// daemon.json came with this version (Docker's changelog); older engines take options on their command line only.
    package static let daemonFile = EngineVersion(1, 10)
    /// Swarm mode, `docker swarm join`, came with this version.
    package static let swarmMode = EngineVersion(1, 12)
    /// The key `proxies` came with this version; older engines take proxies from their environment.
    package static let proxiesKey = EngineVersion(23, 0)

    /// The versions that are tried if an engine's version is not known: the releases that HypriotOS, Raspbian, Raspberry
    /// Pi OS, Ubuntu and Docker's own packages brought.
    static let plausible: [EngineVersion] = [
        EngineVersion(1, 6, 0), EngineVersion(1, 12, 6), EngineVersion(17, 5, 0), EngineVersion(18, 9, 1),
        EngineVersion(19, 3, 12), EngineVersion(20, 10, 5), EngineVersion(20, 10, 24),
        EngineVersion(23, 0, 6), EngineVersion(24, 0, 9), EngineVersion(25, 0, 5), EngineVersion(26, 1, 5),
        EngineVersion(27, 5, 1), EngineVersion(28, 5, 2), EngineVersion(29, 7, 2),
    ]
}
