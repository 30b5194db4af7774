import Text
import Diagnostics

/// The names of glibc's locales: language, territory, character set and modifier (locale(7)).
package enum LocaleNames {
    /// Those that every system has without making them.
    package static let builtIn: Set<String> = ["C", "POSIX", "C.UTF-8"]

    /// The character set that locale-gen makes `name` with; nil if the list does not have the locale.
    package static func characterSet(of name: String) -> String? {
        KnownLocales.list[name].map { $0.isEmpty ? "UTF-8" : $0 }
    }

    /// The locale of `names` that somebody means who writes `name`, which is not one of them; nil if none is near.
    package static func suggestion(for name: String, among names: some Collection<String>) -> String? {
        let folded = fold(name)
        if name.contains(where: { $0 == "." || $0 == "@" }), let same = names.filter({ fold($0) == folded }).min() {
            return same
        }
        // "de" and "de_DE" mean the character set that all use.
        let plain = name.replacing(scalar: "-", with: "_").prefix { $0 != "." && $0 != "@" }
        let words = plain.split(at: "_")
        guard let language = words.first?.lowercased() else { return nil }
        let territory = words.count > 1 ? words[1].uppercased() : language.uppercased()
        let usual = ["\(language)_\(territory).UTF-8", "\(language)_\(territory)"]
        if let found = usual.first(where: names.contains) { return found }
        if words.count == 1 {
            return names.filter { $0.begins(with: language + "_") && $0.ends(with: ".UTF-8") }.min()
        }
        // Without the character set, which would make all names alike.
        let near = nearest(to: "\(language)_\(territory)", among: Set(names.map { String($0.prefix { $0 != "." }) }))
        return near.map { names.contains("\($0).UTF-8") ? "\($0).UTF-8" : $0 }
    }

    /// glibc takes "utf8" for "UTF-8" when it looks for a locale; locale-gen does not.
    private static func fold(_ name: String) -> String {
        name.lowercased().filter { $0 != "-" && $0 != "_" }
    }
}
