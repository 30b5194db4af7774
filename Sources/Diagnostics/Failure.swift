/// An error as every piflash module reports it: what went wrong with which thing, and what to do next.
///
/// `message` is lower case, names the offending value and has no full stop; `hint` is the next step, on a line of its
/// own. Neither has the login of a URL in it, whatever it quotes. A layer that knows more about what was being done wraps
/// the failure with ``while(_:)``.
package struct Failure: Error, Sendable {
    /// What kind of failure this is, for code that must tell failures apart. Modules add their own codes.
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String
        package init(rawValue: String) { self.rawValue = rawValue }
        package init(_ rawValue: String) { self.rawValue = rawValue }

        /// The operating system refused: the message carries its reason.
        package static let system = Code("system")
        /// The command line asks for something that makes no sense.
        package static let usage = Code("usage")
        /// The user stopped the work.
        package static let cancelled = Code("cancelled")
    }

    /// What the process exits with when this failure ends it.
    package enum Severity: Int32, Sendable {
        case failed = 1
        case usage = 2
        case refused = 3
        case someCardsFailed = 4
    }

    package let code: Code
    package let severity: Severity
    package let message: String
    package let hint: String?
    package let cause: (any Error)?

    package init(
        _ code: Code, severity: Severity = .failed, _ message: String, hint: String? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.severity = severity
        self.message = message.withoutLogins
        self.hint = hint?.withoutLogins
        self.cause = cause
    }

    /// The user stopped the work; `activity` says what was being done ("while unpacking a.zip").
    package static func stopped(_ activity: String = "") -> Failure {
        Failure(
            .cancelled, activity.isEmpty ? "stopped" : "stopped \(activity)",
            hint: "run the same command again: it starts where it has to")
    }

    /// For a place that has one line: "… (run this next)".
    package var messageWithHint: String { message + (hint.map { " (\($0))" } ?? "") }

    /// The same failure, with what was being done in front: "reading the partition table of /dev/sdb: …".
    package func `while`(_ activity: String) -> Failure {
        Failure(code, severity: severity, "\(activity): \(message)", hint: hint, cause: cause)
    }
}

extension Failure: CustomStringConvertible {
    package var description: String {
        guard let hint else { return message }
        return "\(message)\n  hint: \(hint)"
    }
}

/// Runs `body`; a failure it throws says that it happened during `activity`.
package func during<Value>(_ activity: @autoclosure () -> String, _ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch let failure as Failure {
        throw failure.while(activity())
    }
}
