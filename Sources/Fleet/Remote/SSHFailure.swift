package import Diagnostics

extension Failure.Code {
    /// The node could not be reached, or not any more.
    package static let unreachable = Failure.Code("remote.unreachable")
    /// The node's host key is not known, or another than before.
    package static let hostKey = Failure.Code("remote.host-key")
    /// The node lets nobody in with the keys at hand.
    package static let login = Failure.Code("remote.login")
    /// The user may not become root on the node.
    package static let privilege = Failure.Code("remote.privilege")
    /// A time limit was reached.
    package static let timeLimit = Failure.Code("remote.time-limit")
    /// A program on the node failed.
    package static let remote = Failure.Code("remote.failed")
}

/// What ssh's words mean.
enum SSHFailure {
    /// ssh's own failure, by what it printed; its last line is the telling one.
    static func judge(_ errors: String, address: String) -> Failure {
        let reason = lastLine(errors) ?? "ssh failed without a word"
        let text = errors.lowercased()
        if text.contains("remote host identification has changed") {
            return Failure(
                .hostKey, "\(address) has another host key than before: a new card, or another machine",
                hint: "if the card was written anew: `ssh-keygen -R \(address)`, then --accept-new")
        }
        if text.contains("host key verification failed") || text.contains("host key is known for") {
            return Failure(
                .hostKey, "the host key of \(address) is not known",
                hint: "compare it by `ssh \(address)`, or take it as it is with --accept-new")
        }
        if text.contains("permission denied") || text.contains("too many authentication failures") {
            return Failure(
                .login, "\(address) does not let us in: \(reason)",
                hint: "try `ssh \(address)`; the key is one of ssh-agent's, of ~/.ssh, or that of --identity")
        }
        return Failure(
            .unreachable, "\(address) does not answer: \(reason)",
            hint: "is the node on, and its address right? `ssh \(address)` must work without a password")
    }

    static func isUnknownName(_ errors: String) -> Bool { errors.contains("Could not resolve hostname") }

    /// Why no script began although ssh got in.
    static func judgeStart(_ errors: String, exit: Int32, host: String, user: String) -> Failure {
        let reason = lastLine(errors) ?? "exit \(exit)"
        if errors.contains("sudo") {
            return Failure(
                .privilege, "\(user) cannot become root on \(host): \(reason)",
                hint: "sudo must work without a password there: \(user) ALL=(ALL) NOPASSWD: ALL in /etc/sudoers.d")
        }
        return Failure(.remote, "no shell starts on \(host): \(reason)")
    }

    static func lastLine(_ text: String) -> String? {
        text.split(whereSeparator: \.isNewline).map { $0.trimmed }.last { !$0.isEmpty }
    }
}

extension Substring {
    var trimmed: String {
        var part = self
        while part.last?.isWhitespace == true { part.removeLast() }
        return String(part.drop(while: \.isWhitespace))
    }
}
