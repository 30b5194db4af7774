import Text

/// Rules for texts that are about nothing in particular. Sources: moby/moby, daemon/config and opts, at the tags named.
enum TextRules {
    static let any: DaemonKey.TextRule = { _, _ in nil }

    static let filled: DaemonKey.TextRule = { text, _ in text.isEmpty ? .error("an empty text does nothing") : nil }

    static let resolverOption: DaemonKey.TextRule = { text, _ in
        text.isEmpty ? .warning("an empty text does nothing") : nil
    }

    static func oneOf(_ words: String...) -> DaemonKey.TextRule {
        { text, _ in
            words.contains(text)
                ? nil : .error("\"\(text)\" must be one of \(words.map { "\"\($0)\"" }.joined(separator: ", "))")
        }
    }

    static let path: DaemonKey.TextRule = { text, _ in
        text.begins(with: "/")
            ? nil : .warning("\"\(text)\" is not an absolute path: it counts from where dockerd is started")
    }

    /// units.RAMInBytes and FromHumanSize of docker/go-units: a number and a unit.
    static func isSize(_ text: String) -> Bool {
        text.wholeMatch(of: /[0-9]+(\.[0-9]+)? ?([kKmMgGtTpP]([iI]?[bB])?|[bB])?/) != nil
    }

    static let size: DaemonKey.TextRule = { text, _ in
        isSize(text) ? nil : .error("\"\(text)\" is not a valid size (\"64M\", \"1g\")")
    }

    /// ValidateLabel; duplicates are found with the whole list, in ``DaemonValidation``.
    static let label: DaemonKey.TextRule = { text, version in
        let marks = text.count { $0 == "=" }
        if marks == 0 { return .error("\"\(text)\" is not a valid label (key=value)") }
        if marks > 1, version < EngineVersion(1, 8) {
            return .error("Docker before 1.8 takes just one \"=\" in a label: \"\(text)\"")
        }
        if text.begins(with: "=") { return .warning("the label \"\(text)\" has no name") }
        let lower = text.lowercased()
        if ["com.docker.", "io.docker.", "org.dockerproject."].contains(where: { lower.hasPrefix($0) }) {
            let text = "the label \"\(text)\" has a prefix that Docker keeps for itself"
            return version >= EngineVersion(20, 10)
                ? .error(text + ", and does not start with since 20.10") : .warning(text)
        }
        return nil
    }

    /// "native.cgroupdriver" is the only one on Linux. Other names were ignored before 28.0, and stop dockerd since.
    static let execOption: DaemonKey.TextRule = { text, version in
        let parts = text.split(at: "=", maxSplits: 1, omittingEmptySubsequences: false)
            .map { $0.trimmed.lowercased() }
        guard parts.count == 2, parts[0] == "native.cgroupdriver" else {
            let effect = version >= EngineVersion(28, 0) ? "stops dockerd since 28.0" : "does nothing"
            return .error("\"\(text)\" \(effect); the only one is native.cgroupdriver=cgroupfs or =systemd")
        }
        return ["cgroupfs", "systemd"].contains(parts[1])
            ? nil : .error("\"\(text)\": the driver is cgroupfs or systemd")
    }

    /// logrus.ParseLevel until 24; a list in dockerd itself from 25.0 on, without "warning".
    static let logLevel: DaemonKey.TextRule = { text, version in
        let level = text.lowercased()
        if ["panic", "fatal", "error", "warn", "info", "debug"].contains(level) { return nil }
        if level == "trace", version >= EngineVersion(18, 9) { return nil }
        if level == "warning" {
            return version < EngineVersion(25, 0) ? nil : .error("\"warning\" is unknown since 25.0; write \"warn\"")
        }
        return .error("\"\(text)\" is not a valid level (debug, info, warn, error, fatal)")
    }

    /// The engine's own two versions are the bounds (config.ValidateMinAPIVersion, 29.7.2).
    static let apiVersion: DaemonKey.TextRule = { text, _ in
        guard let match = text.wholeMatch(of: /([0-9]{1,3})\.([0-9]{1,3})/), let major = Int(match.1),
            let minor = Int(match.2)
        else { return .error("\"\(text)\" is not a valid version of the API (\"1.44\")") }
        return major == 1 && (24...55).contains(minor)
            ? nil : .error("\"\(text)\" is not a version that Docker speaks (1.24 to 1.55)")
    }

    /// The address of a proxy. Go takes http, https and socks5; without a scheme it is http.
    static let proxy: DaemonKey.TextRule = { text, _ in
        let pattern = /((https?|socks5h?):\/\/)?([^\s@\/]+@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?\/?/
            .matchingSemantics(.unicodeScalar)
        return text.isEmpty || text.wholeMatch(of: pattern) != nil
            ? nil : .error("\"\(text)\" is not a valid address of a proxy (http://host:port)")
    }

    /// genericresource.Parse of swarmkit; the list as a whole is checked with the combinations.
    static let genericResource: DaemonKey.TextRule = { text, _ in
        let parts = text.split(at: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].trimmed.isEmpty else {
            return .error("\"\(text)\" is not a valid resource (name=value)")
        }
        if let count = Int(parts[1].trimmed), count < 0 { return .error("\"\(text)\": no resource is negative") }
        return nil
    }

    /// Identifiers of containerd (identifiers.Validate); dockerd keeps the other one for plugins.
    static let containerdNamespace: DaemonKey.TextRule = { text, _ in
        if text == "plugins.moby" { return .error("\"plugins.moby\" is where dockerd keeps its plugins") }
        return text.wholeMatch(of: /[A-Za-z0-9]+([-._][A-Za-z0-9]+)*/) != nil && text.utf8.count <= 76
            ? nil : .error("\"\(text)\" is not a valid namespace of containerd")
    }
}
