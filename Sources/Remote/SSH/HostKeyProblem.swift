import Diagnostics
import Text

/// Why ssh did not accept a host key.
enum HostKeyProblem: Sendable {
    case unknown, changed, revoked

    /// From what ssh printed (sshconnect.c); nil if it accepted the key. A node can print the same words, but gains nothing:
    /// names and files are not taken from here.
    init?(_ errors: String) {
        let text = errors.lowercased()
        if text.contains("revoked host key detected") {
            self = .revoked
        } else if text.contains("remote host identification has changed") {
            self = .changed
        } else if text.contains("host key verification failed") || text.contains("host key is known for") {
            self = .unknown
        } else {
            return nil
        }
    }

    private var words: String {
        switch self {
        case .unknown: "is not known"
        case .changed: "has changed"
        case .revoked: "is revoked"
        }
    }

    /// The failure of a node.
    /// - Parameters:
    ///   - title: the node, as messages name it.
    ///   - written: when piflash last wrote its card, in seconds since 1970.
    ///   - removals: the commands that remove the old key.
    ///   - login: the command that shows the new key's fingerprint and asks for it.
    func failure(title: String, written: Int64?, removals: [String], login: String) -> Failure {
        let acceptance = "accept it with `\(login)`, or accept it unseen with --accept-new"
        let hint: String
        var reason = ""
        if let written {
            reason = ": piflash wrote its card at \(UTCTime(seconds: written).iso8601), and a new card has new keys"
        }
        switch self {
        case .unknown: hint = "compare its fingerprint and \(acceptance)"
        case .changed:
            if written == nil {
                reason =
                    ": a new card brings new keys, and so do changed settings with cloud-init; otherwise another "
                    + "machine answers"
            }
            let commands = removals.map { "`\($0)`" }.joined(separator: " and ")
            hint = "remove the old key with \(commands); then compare the new fingerprint and \(acceptance)"
        case .revoked: hint = "a file of known hosts marks it with @revoked; `\(login)` names the file"
        }
        return Failure(.hostKey, "the host key of \(title) \(words)\(reason)", hint: hint)
    }
}
