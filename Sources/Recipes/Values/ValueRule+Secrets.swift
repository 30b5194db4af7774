/// Values that a tag may name. Their messages never show the value.
extension ValueRule {
    /// In clear, or a hash in the form of crypt(5).
    static let password = ValueRule("password", suggestion: "1 to 511 bytes", isSecret: true) { text in
        if text.isEmpty { return "the password is empty" }
        if let problem = lineProblem(with: text, name: "password") ?? CryptHash.problem(with: text) { return problem }
        // CRYPT_MAX_PASSPHRASE_SIZE of libcrypt, with the final zero.
        return text.utf8.count > 511 ? "the password has more than 511 bytes" : nil
    }

    /// IEEE 802.11i, H.4: a passphrase is 8 to 63 printable ASCII characters; 64 hex digits are a key that is derived
    /// already.
    static let passphrase = ValueRule("wifi passphrase", suggestion: "8 to 63 bytes, or 64 hex digits", isSecret: true)
    {
        if let problem = lineProblem(with: $0, name: "wifi passphrase") { return problem }
        let count = $0.utf8.count
        if count == 64 {
            return $0.utf8.allSatisfy(\.isHexDigit) ? nil : "a wifi key of 64 characters must be hex digits"
        }
        return (8...63).contains(count)
            ? nil : "a wifi passphrase has 8 to 63 characters (or 64 hex digits), this one has \(count)"
    }

    /// What editors and programs leave in a file: a secret is one line, without a mark at its beginning.
    private static func lineProblem(with text: String, name: String) -> String? {
        if text.unicodeScalars.first == "\u{FEFF}" {
            return "the \(name) begins with a byte-order mark: save its file as UTF-8 without one"
        }
        if text.unicodeScalars.contains(where: { $0 == "\n" || $0 == "\r" }) {
            return
                "the \(name) has a second line, or an empty line behind it (a line end is a control character): it must be one line"
        }
        return text.unicodeScalars.contains(where: \.isControl) ? "the \(name) contains a control character" : nil
    }

    /// The shape of Docker's join tokens: SWMTKN-1, the CA's digest and the secret, in base 36 (swarmkit, ca/certificates.go).
    static let joinToken = ValueRule(
        "join token", "SWMTKN-1-[0-9a-z]{50}-[0-9a-z]{25}",
        suggestion: "`docker swarm join-token -q worker` on a manager prints one", isSecret: true
    ) { lineProblem(with: $0, name: "join token") }

    /// What a file of authorized keys may hold: one key or several, a line each, with or without options.
    static let authorizedKeys = ValueRule(
        "SSH public key", suggestion: "ssh-ed25519 AAAA… comment"
    ) { AuthorizedKeys.problem(with: $0) }
}

extension UInt8 {
    var isHexDigit: Bool {
        (0x30...0x39).contains(self) || (0x41...0x46).contains(self) || (0x61...0x66).contains(self)
    }
}
