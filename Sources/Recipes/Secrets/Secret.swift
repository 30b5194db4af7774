package import Diagnostics
import Text

/// A value that is written out in the recipe, or named by a tag and read when it is needed.
///
/// A ``SecretReading`` reads it; the secret itself never holds what it names, so that a node can be printed, compared and
/// hashed.
package struct Secret: Hashable, Sendable {
    package enum Source: Hashable, Sendable {
        /// Written out in the recipe.
        case literal(String)
        /// `!env NAME`
        case environment(String)
        /// `!file PATH`, absolute; a final line end is not part of the value.
        case file(String)
        /// `!command PROGRAM ARGS…`, run without a shell; a final line end is not part of the value.
        case command([String])
        /// `!prompt TEXT`
        case prompt(String)
    }

    package var source: Source
    package var location: Location
    /// The recipe's key: "user.password".
    package var path: String
    /// What the value must be, whether it is written out or read.
    package var rule: ValueRule

    package init(_ source: Source, at location: Location, path: String = "", rule: ValueRule = .text) {
        self.source = source
        self.location = location
        self.path = path
        if case .literal = source { self.rule = rule } else { self.rule = rule.hidden }
    }

    /// What is wrong with `value`, which is the secret's, for a message at ``location``; nil if nothing is. The value is
    /// never part of it.
    package func problem(with value: String) -> String? {
        rule.problem(with: value).map { path.isEmpty ? $0 : "\(path): \($0)" }
    }

    /// Whether a tag names it.
    package var isNamed: Bool { if case .literal = source { false } else { true } }

    /// The words of a `!command`, as a shell would take them; nil for other sources.
    package var command: String? {
        if case .command(let words) = source { Self.commandText(words) } else { nil }
    }

    static func commandText(_ words: [String]) -> String { words.map(shellWord).joined(separator: " ") }

    /// How the secret is shown where its value must not be: the tag, never a value.
    package var placeholder: String {
        switch source {
        case .literal: "<secret>"
        case .environment(let name): "<!env \(name)>"
        case .file(let path): "<!file \(path)>"
        case .command(let words): "<!command \(words.first ?? "")>"
        case .prompt(let text): "<!prompt \(text)>"
        }
    }
}

/// What reading a secret gives.
package enum SecretValue: Hashable, Sendable {
    case value(String)
    /// The secret was not read (`check`, `render`): a text that is shown in its place, from ``Secret/placeholder``.
    case placeholder(String)
}

/// Reads secrets, each at most once per run.
package protocol SecretReading: Sendable {
    /// Throws a report with one error, at the secret's place in the recipe, if it cannot be read.
    func read(_ secret: Secret) async throws(DiagnosticReport) -> SecretValue
}

extension SecretReading {
    /// Reads all of `secrets`. Throws one report with every secret that cannot be read, or breaks the rule of its key.
    package func readAll(_ secrets: [Secret]) async throws(DiagnosticReport) {
        var report = DiagnosticReport()
        for secret in secrets {
            do throws(DiagnosticReport) {
                if case .value(let value) = try await read(secret), let problem = secret.problem(with: value) {
                    report.error(at: secret.location, problem)
                }
            } catch {
                report.merge(error)
            }
        }
        guard !report.hasErrors else { throw report.unrepeated }
    }
}

/// Leaves every tagged secret unread; literals are read.
package struct UnreadSecrets: SecretReading {
    package init() {}

    package func read(_ secret: Secret) async -> SecretValue {
        if case .literal(let value) = secret.source { return .value(value) }
        return .placeholder(secret.placeholder)
    }
}

/// Reads the secrets that only need looking up, those of the environment and of files. It runs no program and asks nobody.
package struct AvailableSecrets: SecretReading {
    private let reader: SecretReader

    package init(_ reader: SecretReader) { self.reader = reader }

    package func read(_ secret: Secret) async throws(DiagnosticReport) -> SecretValue {
        switch secret.source {
        case .literal, .environment, .file: try await reader.read(secret)
        case .command, .prompt: .placeholder(secret.placeholder)
        }
    }
}
