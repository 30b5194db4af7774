import Text
import Diagnostics

/// A keyboard's layout and variant, as XKB names them: "de", "de(nodeadkeys)".
package struct KeyboardName: Hashable, Sendable {
    package let layout: String
    /// Empty for the layout's own.
    package let variant: String

    /// Nil if `text` does not have the form.
    package init?(_ text: String) {
        guard let match = text.wholeMatch(of: /([a-z]{2,8})(?:\(([A-Za-z0-9_-]+)\))?/) else { return nil }
        layout = String(match.1)
        variant = match.2.map(String.init) ?? ""
    }

    /// What people write who mean another layout: the code of a country or language that XKB does not use.
    private static let confused = [
        "uk": "gb", "en": "gb", "sv": "se", "sw": "se", "da": "dk", "ja": "jp", "ko": "kr", "zh": "cn", "cs": "cz",
        "el": "gr", "et": "ee", "sl": "si", "sr": "rs", "sq": "al", "hi": "in", "fa": "ir", "he": "il", "nb": "no",
        "uss": "us", "usa": "us", "be": "be", "german": "de", "french": "fr", "english": "gb", "spanish": "es",
        "italian": "it", "ar": "ara", "la": "latam",
    ]

    /// The layout of `names` that somebody means who writes `text`, which is not one of them; nil if none is near.
    package static func suggestion(for text: String, among names: some Collection<String>) -> String? {
        let lower = text.lowercased()
        if names.contains(lower) { return lower }
        if let meant = confused[lower], names.contains(meant) { return meant }
        // "de nodeadkeys", "de-nodeadkeys", "de,nodeadkeys".
        let parts = text.split(maxSplits: 1) { !$0.isLetter && !$0.isNumber }.map(String.init)
        guard let layout = parts.first?.lowercased() else { return nil }
        let known = confused[layout] ?? layout
        guard names.contains(known), parts.count > 1 else {
            return text.count > 3 ? nearest(to: lower, among: names.filter { !$0.contains(scalar: "(") }) : nil
        }
        let variant = parts[1].filter { $0 != "(" && $0 != ")" }
        let exact = "\(known)(\(variant))"
        let variants = names.filter { $0.begins(with: known + "(") }
        return variants.first { $0 == exact } ?? nearest(to: exact, among: variants) ?? known
    }
}
