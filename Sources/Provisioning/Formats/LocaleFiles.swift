import Text
import Recipes
import Systems

/// /etc/locale.gen: the locales that locale-gen makes, a name and its character set a line (locale-gen(8)).
enum LocaleGen {
    static let path = RootPath.localeList

    /// "en_GB.UTF-8 UTF-8", "de_DE ISO-8859-1"; nil for a locale that need not be made, such as "C".
    static func line(for language: String) -> String? {
        if LocaleNames.builtIn.contains(language) { return nil }
        if let set = LocaleNames.characterSet(of: language) { return "\(language) \(set)" }
        guard let dot = language.unicodeScalars.firstIndex(of: ".") else { return nil }
        return "\(language) \(language[language.unicodeScalars.index(after: dot)...].prefix { $0 != "@" })"
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
    static func path(_ profile: OSProfile) -> String { profile.localePath }

    static func text(_ language: String) -> String { "LANG=\(language)\n" }
}

/// /etc/default/keyboard (keyboard(5)).
enum KeyboardFile {
    static let path = RootPath.keyboard

    /// - Parameter keyboard: "de" or "de(nodeadkeys)".
    static func text(_ keyboard: String) -> String {
        let name = name(keyboard)
        return "XKBMODEL=\"pc105\"\nXKBLAYOUT=\"\(name.layout)\"\nXKBVARIANT=\"\(name.variant)\"\nXKBOPTIONS=\"\"\n"
            + "BACKSPACE=\"guess\"\n"
    }

    static func name(_ keyboard: String) -> (layout: String, variant: String) {
        KeyboardName(keyboard).map { ($0.layout, $0.variant) } ?? (keyboard, "")
    }

    static func hasVariant(_ node: Node) -> Bool {
        node.locale.keyboard.map { !name($0.value).variant.isEmpty } ?? false
    }
}
