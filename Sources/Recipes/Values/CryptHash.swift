import Text

/// The form of a password's hash in /etc/shadow (crypt(5)): "$", the scheme's name, "$", parameters and salt, "$", checksum.
package enum CryptHash {
    /// The schemes that some system of piflash checks, each with the form of what follows "$NAME$".
    private static var schemes: [(name: String, form: Regex<Substring>)] {
        [
            ("1", /[.\/0-9A-Za-z]{0,8}\$[.\/0-9A-Za-z]{22}/),
            ("5", /(?:rounds=[1-9][0-9]{3,8}\$)?[^$:\n]{0,16}\$[.\/0-9A-Za-z]{43}/.matchingSemantics(.unicodeScalar)),
            ("6", /(?:rounds=[1-9][0-9]{3,8}\$)?[^$:\n]{0,16}\$[.\/0-9A-Za-z]{86}/.matchingSemantics(.unicodeScalar)),
            ("2a", /[0-3][0-9]\$[.\/0-9A-Za-z]{53}/), ("2b", /[0-3][0-9]\$[.\/0-9A-Za-z]{53}/),
            ("2y", /[0-3][0-9]\$[.\/0-9A-Za-z]{53}/),
            ("y", /[.\/0-9A-Za-z]{3,}\$[.\/0-9A-Za-z]{1,86}\$[.\/0-9A-Za-z]{43}/),
            ("gy", /[.\/0-9A-Za-z]{3,}\$[.\/0-9A-Za-z]{1,86}\$[.\/0-9A-Za-z]{43}/),
            ("7", /[.\/0-9A-Za-z]{11,97}\$[.\/0-9A-Za-z]{43}/),
        ]
    }

    /// The scheme of a complete hash ("6" for sha512crypt), or nil: "$HOME" is a password.
    package static func scheme(of text: String) -> String? {
        guard let (name, rest) = parts(text), let scheme = schemes.first(where: { $0.name == name }),
            rest.wholeMatch(of: scheme.form) != nil
        else { return nil }
        return name
    }

    /// What is wrong with a text that is meant as a hash; nil for a good hash, and for a password in clear.
    static func problem(with text: String) -> String? {
        if let mark = text.first, mark == "!" || mark == "*", parts(String(text.dropFirst())) != nil {
            return "this is the hash of a locked account: remove the \"\(mark)\" in front"
        }
        guard let (name, _) = parts(text), scheme(of: text) == nil else { return nil }
        if schemes.contains(where: { $0.name == name }) {
            return "this is a $\(name)$ hash that is cut off or damaged; `openssl passwd -6` makes a complete one"
        }
        return
            "this is a $\(name)$ hash, which crypt(5) cannot check; `openssl passwd -6` makes one that all systems check"
    }

    /// Names of schemes that are not for logins, or that no system of piflash has: argon2 and Unix's older ones.
    private static let foreign: Set = [
        "2", "2x", "3", "md5", "sha1", "argon2d", "argon2i", "argon2id", "apr1", "P", "H",
    ]

    /// The scheme's name, and what follows it.
    private static func parts(_ text: String) -> (name: String, rest: Substring)? {
        guard text.begins(with: "$"), let end = text.dropFirst().unicodeScalars.firstIndex(of: "$") else { return nil }
        let name = String(text[text.unicodeScalars.index(after: text.startIndex)..<end])
        guard schemes.contains(where: { $0.name == name }) || foreign.contains(name) else { return nil }
        return (name, text[text.unicodeScalars.index(after: end)...])
    }
}
