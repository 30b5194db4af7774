/// Texts in which a character that some format obeys is joined to one Character with a mark or a prefix.
package enum HostileTexts {
    /// A prefix of the next character (Prepend of UAX 29), a mark on the last one, and the joiner of emoji.
    package static let marks = ["", "\u{600}", "\u{301}", "\u{200D}", "\u{110BD}"]
    /// What HTML, shells, systemd, YAML, JSON, TOML, INI, CSV and paths obey.
    package static let dangerous = Array("<>&\"'`$%\\;|(){}[]#!*?~=,:/@ +-").map(String.init)

    /// One text for each mark, with every dangerous character behind it and before it.
    package static let all = marks.map { mark in "a" + dangerous.map { mark + $0 + mark }.joined() + "z" }

    /// What a terminal obeys: every control character, and the characters that change the direction of writing.
    package static let controls =
        ((0x01...0x1F).map { $0 } + (0x7F...0x9F) + [0x202E, 0x2066]).compactMap(Unicode.Scalar.init)
        .map { String($0) }.joined()
}
