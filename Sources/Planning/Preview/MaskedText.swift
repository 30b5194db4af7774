/// Text in which secrets are masked.
enum MaskedText {
    static func mask(_ text: String, _ sensitive: Set<String>) -> String {
        // Longest first: one secret may be a part of another.
        sensitive.sorted { ($1.count, $0) < ($0.count, $1) }.filter { !$0.isEmpty }.reduce(text) { masked, secret in
            replace(secret, in: masked, with: "********")
        }
    }

    /// What looks like a secret in a file that an earlier recipe wrote to a card. There is no record of the secrets in it:
    /// these are password hashes, join tokens, network keys, and base64, which may contain any of them. Public SSH keys
    /// start with AAAA and may be shown.
    static func likely(in text: String) -> Set<String> {
        let hashes = text.matches(of: /\$(?:[0-9a-z]{1,6})\$[.\/A-Za-z0-9,=+$-]{8,}/).map { String($0.0) }
        let tokens = text.matches(of: /SWMTKN-[0-9A-Za-z-]+/).map { String($0.0) }
        let encoded = text.matches(of: /[A-Za-z0-9+\/]{32,}={0,2}/).map { String($0.0) }
        return Set(hashes + tokens + encoded.filter { !$0.hasPrefix("AAAA") })
    }

    private static func replace(_ needle: String, in text: String, with other: String) -> String {
        let hay = Array(text.utf8)
        let wanted = Array(needle.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < hay.count {
            if hay[index] == wanted[0], hay[index...].starts(with: wanted) {
                result += Array(other.utf8)
                index += wanted.count
            } else {
                result.append(hay[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
