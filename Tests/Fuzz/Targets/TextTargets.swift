import Diagnostics
import Docker
import Recipes

@testable import Text

/// Formats of text that several parsers share, and dockerd's configuration.
extension FuzzTarget {
    static let texts = [json, daemonFile, serviceFlags, addresses, shellWords, difference, visible]

    private static let jsonWords = ["{\"a\":", "[", "\\u0000", "\\ud800", "1e400", "-0", "true", "null", "\u{FEFF}"]

    /// What is accepted is printed and read again as the same, and Foundation, a strict reader, accepts it too.
    private static let json = FuzzTarget("json", words: jsonWords) { bytes in
        guard let value = try answer({ try JSONValue(parsing: bytes) }) else { return }
        let text = value.prettyText
        try require(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" }, "a control character")
        guard let again = try answer({ try JSONValue(parsing: Array(text.utf8)) }) else {
            throw BrokenProperty(description: "what was printed cannot be read: \(text)")
        }
        try require(again == value, "printed, and read as another value: \(text)")
        _ = text.visibleJSON
    }

    /// For each plausible version of dockerd, and an unknown one.
    private static let daemonFile = FuzzTarget(
        "daemon-json", limit: 1024, mutations: 15,
        words: jsonWords
            + [
                "hosts", "log-driver", "log-opts", "storage-driver", "storage-opts", "default-address-pools", "base",
                "size",
                "insecure-registries", "registry-mirrors", "bip", "dns", "labels", "live-restore", "data-root",
                "runtimes",
                "default-ulimits", "max-size", "userns-remap", "tlsverify", "node-generic-resources", "proxies",
                "10.0.0.0/8",
            ].map { "\"\($0)\":" }
    ) { bytes in
        for version in [nil, EngineVersion(1, 12), EngineVersion(19, 3), EngineVersion(28, 0)] {
            let report = DaemonModel(version: version).validate(bytes)
            _ = report.description
            if let value = try? JSONValue(parsing: bytes), case .object(let members) = value {
                _ = DaemonOptions(members, version: version ?? EngineVersion(1, 9))
                _ = ProxySettings.holdsLogin(members)
            }
        }
    }

    private static let serviceFlags = FuzzTarget(
        "service-flags", limit: 512,
        words: ["--containerd=", "-H fd://", "$DOCKER_OPTS", "-g ", "--host=", "ExecStart="]
    ) { bytes in
        var input = FuzzInput(bytes)
        let command = input.text()
        let flags = ServiceFlags(command: command, options: input.text())
        _ = flags.withoutHosts().union(.packaged(EngineVersion(20, 10)))
        _ = ServiceDropIn.withoutHosts(command)
        _ = EngineVersion(command).map { ClientFloor.of($0) }
    }

    /// Addresses, networks, hosts with ports, times, versions: what is read is written and read again as the same.
    private static let addresses = FuzzTarget(
        "addresses", limit: 128,
        words: ["::", "/64", "fd00::1", "[", "]:", "255.255.255.255", "%eth0", "2026-08-17 10:15:00"]
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        func readsBack<Value: Equatable>(_ value: Value?, _ read: (String) -> Value?, _ written: (Value) -> String)
            throws
        {
            guard let value else { return }
            try require(read(written(value)) == value, "\"\(text)\" is written as \"\(written(value))\"")
        }
        try readsBack(IPAddress(text), { IPAddress($0) }, { $0.description })
        try readsBack(HostPort(text), { HostPort($0) }, { $0.description })
        if let network = IPNetwork(text) {
            try require(IPNetwork(network.canonical)?.canonical == network.canonical, "\(network.canonical)")
            try require(network.overlaps(network) && network.contains(network), "a network without itself")
            _ = network.hosts(300)
        }
        if let network = IPv4Network(text) { _ = network.hosts(300) }
        if let time = UTCTime(plain: text) { try require(time.iso8601.hasSuffix("Z"), "a time") }
        if bytes.count >= 8 {
            let seconds = Int64(bitPattern: bytes.u64(0))
            _ = UTCTime(seconds: seconds).plain
        }
    }

    /// The same words as a shell, whose rule is simple inside single quotes.
    private static let shellWords = FuzzTarget("shell-quoting", limit: 256, words: ["'", "\"", "\\", "$(", "\n"]) {
        bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        let quoted = shellQuoted(text)
        let parts = quoted.replacing(bytes: "'\\''", with: "\u{1}")
        try require(parts.begins(with: "'") && parts.ends(with: "'"), "no quotes: \(quoted)")
        try require(!parts.dropFirst().dropLast().utf8.contains(UInt8(ascii: "'")), "a quote inside: \(quoted)")
        _ = systemdWord(text)
        _ = htmlEscaped(text)
        try require(!htmlEscaped(text).utf8.contains(UInt8(ascii: "<")), "HTML inside")
    }

    /// Every line of both texts is in their difference.
    private static let difference = FuzzTarget("text-difference", limit: 512, words: ["\n", "a\n", "b\n"]) { bytes in
        var input = FuzzInput(bytes)
        let (old, new) = (input.text(), input.text())
        let difference = TextDifference(from: old, to: new)
        _ = difference.unified(from: "old", to: "new")
        let lines = difference.text(context: 10_000).split(at: "\n", omittingEmptySubsequences: false)
        func side(_ mark: String) -> String {
            lines.filter { $0.begins(with: " ") || $0.begins(with: mark) }.map { String($0.unicodeScalars.dropFirst()) }
                .joined(separator: "\n")
        }
        // A text without changes is left out.
        guard !difference.isEmpty else { return }
        try require(side("-").utf8.elementsEqual(old.utf8), "the old text is not in the difference")
        try require(side("+").utf8.elementsEqual(new.utf8), "the new text is not in the difference")
    }

    private static let visible = FuzzTarget("visible-text", limit: 256, words: ["\u{1B}[2J", "\r\n", "\u{202E}"]) {
        bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        for line in text.visible.split(separator: "\n") {
            let bad = line.unicodeScalars.first { $0 != "\t" && ($0.value < 0x20 || (0x7F...0x9F).contains($0.value)) }
            try require(bad == nil, "a control character is left")
        }
        try require(text.visible.visible == text.visible, "showing it again changes it")
        try requirePrintable(text.printable(limit: 40), "a printable text")
        try require(text.printable(limit: 40).unicodeScalars.count <= 41, "a printable text without a limit")
    }
}
