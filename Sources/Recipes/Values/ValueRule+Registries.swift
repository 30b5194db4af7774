/// Values that somebody keeps a list of. Countries and keyboards hardly differ between systems, so a value that no list has
/// is a mistake. Time zones and locales come and go: a name is a mistake here only if it looks like another one, and the
/// image decides about the rest.
extension ValueRule {
    /// The kernel ignores a country that its database does not have, and the radio stays off or weak.
    static let country = ValueRule("country", "[A-Z]{2}", suggestion: "two capitals, as in DE") { text in
        let countries = KnownCountries.list
        guard !countries.contains(text) else { return nil }
        let upper = text.uppercased()
        if upper == "EU" { return "\"\(text)\" is not a country: write the one in which the node is, such as DE or FR" }
        if let meant = confusedCountries[upper] ?? (countries.contains(upper) ? upper : nil) {
            return "\"\(text)\" is not a valid country (did you mean \(meant)?)"
        }
        guard text.wholeMatch(of: /[A-Z]{2}/) != nil else { return nil }
        return "\"\(text)\" is not a country of the regulatory database (two capitals, as in DE)"
    }

    /// Codes that people take for a country's.
    private static let confusedCountries = [
        "UK": "GB", "EN": "GB", "GBR": "GB", "USA": "US", "DEU": "DE", "GER": "DE", "FRA": "FR", "JA": "JP",
        "JPN": "JP", "SW": "SE", "SP": "ES", "DA": "DK", "KO": "KR", "CS": "CZ", "OE": "AT", "EL": "GR",
    ]

    static let timeZone = ValueRule(
        "time zone", "[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", suggestion: "Europe/Berlin"
    ) { text in
        let names = KnownTimeZones.list.names
        guard !text.isEmpty, !KnownTimeZones.list.contains(text),
            let meant = TimeZoneNames.suggestion(for: text, among: names)
        else { return nil }
        return "\"\(text)\" is not a valid time zone (did you mean \(meant)?)"
    }

    static let language = ValueRule(
        "locale", #"[a-z]{2,3}(_[A-Z]{2})?(\.[A-Za-z0-9-]+)?(@[a-z]+)?|C(\.UTF-8)?|POSIX"#, suggestion: "en_GB.UTF-8"
    ) { text in
        guard !text.isEmpty, !LocaleNames.builtIn.contains(text), !KnownLocales.list.contains(text),
            let meant = LocaleNames.suggestion(for: text, among: KnownLocales.list.names)
        else { return nil }
        return "\"\(text)\" is not a valid locale (did you mean \(meant)?)"
    }

    static let keyboard = ValueRule(
        "keyboard layout", #"[a-z]{2,8}(\([A-Za-z0-9_-]+\))?"#,
        suggestion: "de, gb, us, or with a variant de(nodeadkeys)"
    ) { text in
        guard !text.isEmpty, !KnownKeyboards.list.contains(text) else { return nil }
        if let meant = KeyboardName.suggestion(for: text, among: KnownKeyboards.list.names) {
            return "\"\(text)\" is not a valid keyboard layout (did you mean \(meant)?)"
        }
        guard KeyboardName(text) != nil else { return nil }
        return "\"\(text)\" is not a keyboard layout of XKB (de, gb, us, or with a variant de(nodeadkeys))"
    }
}
