/// Names and secrets that have broken a configuration tool somewhere.
enum Corpus {
    /// What formats obey, joined to one Character with a prefix or a mark; each is at most 32 bytes.
    private static let joined = ["\u{600}", "\u{301}", "\u{200D}"].flatMap { mark in
        ["\"'\\", "$`%", "#;:", "<>&", "{}[", "],=", "~*?", "!|/"].map { characters in
            characters.map { "\(mark)\($0)\(mark)" }.joined() + "z"
        }
    }

    static let names =
        [
            "Café", "my \"net\" \\o/", " lead", "trail ", "it's", "$HOME", "`id`", "a#b", "x #y", "yes", "0123",
            "12:30",
            "null", "65;66;", "1;2", "-h", "😀 wifi", "~", "=", "0x1f", "1_000", "&anchor", "*alias", "!tag", "%dir",
            "@at",
            "{a: b}", "[a]", "| x", "> y", "a: b", "a:", "- a", "? a", "2024-01-01", "\\x41", "%s%n", "tab\there",
            "line\u{2028}end", "\u{85}next", "\u{FEFF}bom", "é\u{301}", "12345678901234567890123456789012",
        ] + joined
    static let passphrases =
        // A byte-order mark is a character like others, but not at the beginning: there an editor has left it.
        names.filter { !$0.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) } }.map {
            $0.hasPrefix("\u{FEFF}") ? "--------" + $0 : $0 + "--------"
        }
        + ["12345678", String(repeating: "x", count: 63)]
    static let controls =
        names + ["a\nb", "a\r\nb\n", "\u{0}", "\u{7}bell", "\u{1B}[31m", "\u{7F}", "", "\n", "\"", "\\", "'"]
}
