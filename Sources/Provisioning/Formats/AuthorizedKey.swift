import Text

/// Lines of an authorized_keys file (sshd(8)).
enum AuthorizedKey {
    private static let types: Set = [
        "ssh-ed25519", "ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
    ]

    /// The keys of a text, one line each, without blanks, carriage returns and comments around them.
    static func lines(of text: String) -> [String] {
        text.unicodeScalars.split { $0 == "\n" || $0 == "\r" }
            .map { line in
                let blank: (Unicode.Scalar) -> Bool = { $0 == " " || $0 == "\t" || $0 == ByteOrderMark.scalar }
                var line = line.drop(while: blank)
                while let last = line.last, blank(last) { line.removeLast() }
                return String(line)
            }
            .filter { !$0.isEmpty && !$0.hasPrefix("#") }
    }

    /// Whether a line holds a key: its type, and the base64 that starts with the type's length. Options may stand first.
    static func isPublicKey(_ line: String) -> Bool {
        let fields = line.split { $0 == " " || $0 == "\t" }
        return zip(fields, fields.dropFirst()).contains { type, key in
            types.contains(String(type)) && key.hasPrefix("AAAA")
                && key.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="):
                        true
                    default: false
                    }
                }
        }
    }
}
