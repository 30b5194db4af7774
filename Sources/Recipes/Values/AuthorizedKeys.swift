import FoundationEssentials
import Text

/// The format of an authorized_keys file (sshd(8), AUTHORIZED_KEYS FILE FORMAT): one key to a line, as
///
///     [options] type base64 [comment]
///
/// Options are accepted because sshd obeys them: a key with `no-pty` or `from=` is one that its owner wants to be
/// restricted. Every system that piflash sets up copies the line as a whole.
package enum AuthorizedKeys {
    private static let types: Set = [
        "ssh-ed25519", "ssh-rsa", "ssh-dss", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
    ]

    /// Options without a value (OpenSSH, auth-options.c). sshd ignores a key whose options it does not know.
    private static let flags: Set = [
        "agent-forwarding", "cert-authority", "no-agent-forwarding", "no-port-forwarding", "no-pty",
        "no-touch-required", "no-user-rc", "no-x11-forwarding", "port-forwarding", "pty", "restrict", "user-rc",
        "verify-required", "x11-forwarding",
    ]
    /// Options with a value in double quotes.
    private static let settings: Set = [
        "command", "environment", "expiry-time", "from", "permitlisten", "permitopen", "principals", "tunnel",
    ]

    /// The keys of a text, without blank lines, comments, carriage returns and blanks at either end.
    package static func lines(of text: String) -> [String] {
        text.unicodeScalars.split { $0 == "\n" || $0 == "\r" }
            .map { line in
                let blank: (Unicode.Scalar) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\u{FEFF}" }
                var line = line.drop(while: blank)
                while let last = line.last, blank(last) { line.removeLast() }
                return String(line)
            }
            .filter { !$0.isEmpty && !$0.begins(with: "#") }
    }

    /// What is wrong with a text of one or more keys, or nil.
    static func problem(with text: String) -> String? {
        if text.contains(bytes: "PRIVATE KEY") { return "this is a private key: name the .pub file beside it" }
        let lines = lines(of: text)
        guard !lines.isEmpty else { return missing }
        return lines.lazy.compactMap(problem(inLine:)).first
    }

    private static let missing = "this is not a valid SSH public key (its type, as ssh-ed25519, then base64)"

    private static func problem(inLine line: String) -> String? {
        if line.unicodeScalars.contains(where: { $0.isControl && $0 != "\t" }) {
            return "the SSH public key contains a control character"
        }
        if startsWithType(line) { return problem(inKey: line[...]) }
        guard let (options, rest) = splitOptions(line) else {
            return "the options of this SSH public key have a quote that is not closed"
        }
        guard startsWithType(rest) else { return missing }
        guard options.allSatisfy(isOption) else {
            return "this SSH public key has an option that sshd does not know, and sshd ignores such a key"
        }
        return problem(inKey: rest)
    }

    private static func startsWithType(_ text: some StringProtocol) -> Bool {
        types.contains(String(String.UnicodeScalarView(text.unicodeScalars.prefix { $0 != " " && $0 != "\t" })))
    }

    /// The options up to the first blank outside quotes, split at the commas outside quotes, and what follows them. A
    /// quote inside a value has a backslash before it. Nil if a quote is not closed.
    private static func splitOptions(_ line: String) -> (options: [String], rest: Substring)? {
        var options = [String.UnicodeScalarView()]
        var isQuoted = false
        var isEscaped = false
        let scalars = line.unicodeScalars
        for index in scalars.indices {
            let scalar = scalars[index]
            if !isQuoted, scalar == " " || scalar == "\t" {
                return (options.map { String($0) }, Substring(scalars[index...].drop { $0 == " " || $0 == "\t" }))
            }
            if !isQuoted, scalar == "," {
                options.append(String.UnicodeScalarView())
                continue
            }
            if scalar == "\"", !isEscaped { isQuoted.toggle() }
            isEscaped = scalar == "\\"
            options[options.count - 1].append(scalar)
        }
        return isQuoted ? nil : (options.map { String($0) }, "")
    }

    private static func isOption(_ option: String) -> Bool {
        guard let mark = option.unicodeScalars.firstIndex(of: "=") else { return flags.contains(option.lowercased()) }
        let value = option[option.unicodeScalars.index(after: mark)...]
        return settings.contains(option[..<mark].lowercased()) && value.utf8.count >= 2 && value.begins(with: "\"")
            && value.ends(with: "\"")
    }

    /// The base64 holds fields, each with its length in front (RFC 4253, 6.6). The first one is the type again, which
    /// shows a key of two keys' halves; the lengths show a key that was cut off.
    private static func problem(inKey text: Substring) -> String? {
        let words = text.unicodeScalars.split(maxSplits: 2) { $0 == " " || $0 == "\t" }.map { String($0) }
        guard words.count >= 2, let blob = Data(base64Encoded: words[1]) else { return missing }
        var fields: [[UInt8]] = []
        var rest = [UInt8](blob)[...]
        while rest.count >= 4 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard rest.count >= length else { break }
            fields.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
            if rest.isEmpty {
                guard fields.count > 1 else { break }
                return fields[0] == Array(words[0].utf8)
                    ? nil : "this SSH public key is damaged: the type inside it is another one"
            }
        }
        return "this SSH public key is damaged: a part of it is missing"
    }
}
