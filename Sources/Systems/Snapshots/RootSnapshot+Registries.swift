import Text

/// What a system knows of the values that registries list.
extension RootSnapshot {
    /// The names of its time zones; nil if it has so few that something is missing: tzdata has hundreds.
    package var knownTimeZones: Set<String>? { timeZones.count < 100 ? nil : timeZones }

    /// Whether the list of its packages is that of a complete system, so that a missing package is not installed.
    package var listsAllPackages: Bool { packageCount >= 100 }

    /// The names of the locales that its locale-gen can make; nil if it does not list them.
    package var locales: Set<String>? {
        guard let text = text(RootPath.supportedLocales) else { return nil }
        return Set(text.split(separator: "\n").compactMap { $0.split(at: " ").first.map(String.init) })
    }

    /// The keyboards that its XKB has, "de" and "de(nodeadkeys)"; nil if it does not list them.
    package var keyboards: Set<String>? {
        guard let text = text(RootPath.keyboardRules) else { return nil }
        var names: Set<String> = []
        var section: Substring = ""
        for line in text.split(separator: "\n") {
            let words = line.split(at: " ", omittingEmptySubsequences: true)
            guard words.count > 1 else { continue }
            if words[0] == "!" {
                section = words[1]
            } else if section == "layout" {
                names.insert(String(words[0]))
            } else if section == "variant" {
                names.insert("\(words[1].prefix { $0 != ":" })(\(words[0]))")
            }
        }
        return names
    }

    /// Whether systemd-resolved is set up to answer to NAME.local (resolved.conf(5)).
    fileprivate var resolvesMulticastDNS: Bool {
        let lines = (text(RootPath.resolver) ?? "").split(separator: "\n").map { $0.filter { !$0.isWhitespace } }
        return lines.contains { ["MulticastDNS=yes", "MulticastDNS=true", "MulticastDNS=1"].contains($0) }
    }
}

extension OSProfile {
    /// Whether the system answers to NAME.local: by avahi-daemon, or by systemd-resolved. If the list of its packages is
    /// not complete, what the vendor's images have decides.
    package func answersLocalNames(_ root: RootSnapshot?) -> Bool {
        if root?.packages["avahi-daemon"] != nil || root?.resolvesMulticastDNS == true { return true }
        return switch flavour {
        case .ubuntuCloudInit, .dietPi, .debianRaspi, .rootPartition: false
        case .hypriotOccidentalis, .hypriotDeviceInit, .hypriotCloudInit, .raspbian, .raspberryPiOSFirstRun,
            .raspberryPiOSCustomTOML, .raspberryPiOSCloudInit:
            !(root?.listsAllPackages ?? false)
        }
    }
}
