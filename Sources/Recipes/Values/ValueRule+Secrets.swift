/// Values that a tag may name. Their messages never show the value.
extension ValueRule {
    /// In clear, or a hash in the form of crypt(5).
    static let password = ValueRule("password", suggestion: "1 to 511 bytes", isSecret: true) { text in
        if text.isEmpty { return "the password is empty" }
        if text.unicodeScalars.contains(where: \.isControl) {
            return "the password contains a control character (a line end?)"
        }
        // CRYPT_MAX_PASSPHRASE_SIZE of libcrypt, with the final zero.
        return text.utf8.count > 511 ? "the password has more than 511 bytes" : nil
    }

    /// IEEE 802.11i, H.4: a passphrase is 8 to 63 printable ASCII characters; 64 hex digits are a key that is derived
    /// already.
    static let passphrase = ValueRule("wifi passphrase", suggestion: "8 to 63 bytes, or 64 hex digits", isSecret: true)
    {
        let count = $0.utf8.count
        if count == 64 {
            return $0.utf8.allSatisfy(\.isHexDigit) ? nil : "a wifi key of 64 characters must be hex digits"
        }
        guard (8...63).contains(count) else {
            return "a wifi passphrase has 8 to 63 characters (or 64 hex digits), this one has \(count)"
        }
        return $0.unicodeScalars.contains(where: \.isControl)
            ? "the wifi passphrase contains a control character (a line end?)" : nil
    }

    /// The shape of Docker's join tokens: SWMTKN-1, the CA's digest and the secret, in base 36 (swarmkit, ca/certificates.go).
    static let joinToken = ValueRule(
        "join token", "SWMTKN-1-[0-9a-z]{50}-[0-9a-z]{25}",
        suggestion: "`docker swarm join-token -q worker` on a manager prints one", isSecret: true)

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
