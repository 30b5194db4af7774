import Text

/// What a system knows of the values that registries list.
extension RootSnapshot {
    /// The names of the locales that its locale-gen can make; nil if it does not list them.
    package var locales: Set<String>? {
        guard let text = text(RootPath.supportedLocales) else { return nil }
        return Set(text.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) })
    }

    /// The keyboards that its XKB has, "de" and "de(nodeadkeys)"; nil if it does not list them.
    package var keyboards: Set<String>? {
        guard let text = text(RootPath.keyboardRules) else { return nil }
        var names: Set<String> = []
        var section: Substring = ""
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
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

    /// Whether it answers to NAME.local: by avahi-daemon, or by systemd-resolved if that is set up to. Nil if its
    /// packages are not known.
    package var answersLocalNames: Bool? {
        if packages["avahi-daemon"] != nil { return true }
        guard !packages.isEmpty else { return nil }
        let lines = (text(RootPath.resolver) ?? "").split(separator: "\n").map { $0.filter { !$0.isWhitespace } }
        return lines.contains { ["MulticastDNS=yes", "MulticastDNS=true", "MulticastDNS=1"].contains($0) }
    }
}
