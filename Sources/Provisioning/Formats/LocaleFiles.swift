import Systems

/// /etc/locale.gen: the locales that locale-gen makes, a name and its character set a line (locale-gen(8)).
enum LocaleGen {
    static let path = RootPath.localeList

    /// "en_GB.UTF-8 UTF-8"; nil for a name without a character set, such as "C".
    static func line(for language: String) -> String? {
        guard let dot = language.firstIndex(of: ".") else { return nil }
        return "\(language) \(language[language.index(after: dot)...].prefix { $0 != "@" })"
    }

    static func edited(_ text: String, adding line: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.contains(where: { $0 == line }) { return text }
        return text + (text.hasSuffix("\n") || text.isEmpty ? "" : "\n") + line + "\n"
    }
}

/// /etc/default/locale (pam_env(8)), or locale.conf(5) where that is a link to it: from trixie on, a file in its place would
/// be a link again after the next boot (tmpfiles.d of Debian's systemd).
enum DefaultLocale {
    static func path(in root: RootSnapshot?) -> String {
        guard case .symbolicLink(let target) = root?.entry(RootPath.locale)?.kind,
            target.split(separator: "/").last == "locale.conf"
        else { return RootPath.locale }
        return RootPath.localeConfiguration
    }

    static func text(_ language: String) -> String { "LANG=\(language)\n" }
}

/// /etc/default/keyboard (keyboard(5)).
enum KeyboardFile {
    static let path = RootPath.keyboard

    static func text(_ layout: String) -> String {
        "XKBMODEL=\"pc105\"\nXKBLAYOUT=\"\(layout)\"\nXKBVARIANT=\"\"\nXKBOPTIONS=\"\"\nBACKSPACE=\"guess\"\n"
    }
}
