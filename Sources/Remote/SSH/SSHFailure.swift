import Text
package import Diagnostics
import Text

extension Failure.Code {
    /// The node could not be reached, or the connection broke.
    package static let unreachable = Failure.Code("remote.unreachable")
    /// The node's host key is not known, or it has changed.
    package static let hostKey = Failure.Code("remote.host-key")
    /// The node accepts none of the available keys.
    package static let login = Failure.Code("remote.login")
    /// The user may not become root on the node.
    package static let privilege = Failure.Code("remote.privilege")
    /// The time limit was reached.
    package static let timeLimit = Failure.Code("remote.time-limit")
    /// A program on the node failed.
    package static let remote = Failure.Code("remote.failed")
}

extension Failure {
    /// Whether ssh reached the node but did not log in: then its hint is the next step of a person.
    package var isLoginRefusal: Bool { code == .hostKey || code == .login }
}

/// Failures from what ssh prints.
enum SSHFailure {
    /// A failure of ssh itself, from what it printed. The last line says why.
    /// - Parameters:
    ///   - title: the node, as messages name it.
    ///   - command: the command with which a person tries the same.
    static func connecting(_ errors: String, to title: String, command: String) -> Failure {
        let reason = lastLine(errors) ?? "ssh failed without a message"
        let text = errors.lowercased()
        if text.contains("permission denied") || text.contains("too many authentication failures") {
            return Failure(
                .login, "login on \(title) failed: \(reason)",
                hint: "try `\(command)`; the key comes from ssh-agent, from ~/.ssh, or from --identity")
        }
        return Failure(
            .unreachable, "\(title) does not answer: \(reason)",
            hint: "is the node on, and its address right? `\(command)` must work without a password")
    }

    static func isUnknownName(_ errors: String) -> Bool { errors.contains("Could not resolve hostname") }

    /// The reason why the script did not start although ssh logged in.
    static func starting(_ errors: String, exit: Int32, host: String, user: String) -> Failure {
        let reason = lastLine(errors) ?? "exit \(exit)"
        if errors.contains("sudo") {
            return Failure(
                .privilege, "\(user) cannot become root on \(host): \(reason)",
                hint:
                    "sudo must work without a password there: user.sudo: passwordless in the recipe, which is the default, or "
                    + "\(user) ALL=(ALL) NOPASSWD: ALL in /etc/sudoers.d")
        }
        return Failure(.remote, "no shell started on \(host): \(reason)")
    }

    /// As it may be shown: a node can be behind it.
    static func lastLine(_ text: String) -> String? {
        text.split(whereSeparator: \.isNewline).reversed().lazy.map { $0.printable(limit: 500) }.first { !$0.isEmpty }
    }
}
