import Host
package import Diagnostics
import FoundationEssentials
import Subprocess
import SystemPackage
import Text

/// Reads secrets from where their tags say, each at most once per run. Their values are never part of a message.
package actor SecretReader: SecretReading {
    private let environment: [String: String]
    private let prompt: @Sendable (String) -> String?
    private let asksTwice: Bool
    private let announce: @Sendable (String) -> Void
    private var known: [Secret.Source: String] = [:]

    /// - Parameters:
    ///   - asksTwice: Whether a new password is asked for a second time, since nobody sees what is typed.
    ///   - announce: Says which program is asked, before it runs.
    ///   - prompt: Asks the user for a secret without echo; it returns nil if nobody can be asked.
    package init(
        environment: [String: String], asksTwice: Bool = false,
        announce: @escaping @Sendable (String) -> Void = { _ in }, prompt: @escaping @Sendable (String) -> String?
    ) {
        self.environment = environment
        self.announce = announce
        self.asksTwice = asksTwice
        self.prompt = prompt
    }

    package func read(_ secret: Secret) async throws(DiagnosticReport) -> SecretValue {
        if let value = known[secret.source] { return .value(value) }
        let value: String
        do throws(Failure) { value = try await fetch(secret) } catch {
            let text = [secret.path, error.message].filter { !$0.isEmpty }.joined(separator: ": ")
            throw DiagnosticReport([
                Diagnostic(.error, at: secret.location, text + (error.hint.map { " (\($0))" } ?? ""))
            ])
        }
        known[secret.source] = value
        return .value(value)
    }

    private func fetch(_ secret: Secret) async throws(Failure) -> String {
        switch secret.source {
        case .literal(let value): return value
        case .environment(let name):
            guard let value = environment[name] else {
                throw Failure(
                    .secretUnavailable, "!env \(name): the environment variable \(name) is not set",
                    hint: "set it, and under sudo pass it on: `sudo --preserve-env=\(name) piflash …`")
            }
            return value
        case .file(let path):
            guard let contents = (try? DurableFile.read(FilePath(path), limit: 1 << 20)) ?? nil else {
                throw Failure(.secretUnavailable, "!file \(path): the file cannot be read")
            }
            return try Self.text(Data(contents), of: "!file \(path)")
        case .command(let words):
            announce("asks `\(Secret.commandText(words))` for \(secret.path)")
            return try await run(words)
        case .prompt(let text):
            return try asksTwice && [.password, .passphrase].contains(secret.rule)
                ? askTwice(text) : ask(text, for: text)
        }
    }

    /// - Parameter name: the prompt's own text.
    private func ask(_ text: String, for name: String) throws(Failure) -> String {
        if let value = prompt(text) { return value }
        throw Failure(
            .secretUnavailable, "!prompt \"\(name)\": nobody answered, or there is no terminal to ask on",
            hint: "run piflash in a terminal, or use !env or !file")
    }

    private func askTwice(_ text: String) throws(Failure) -> String {
        for attempt in 1...3 {
            let first = try ask(attempt == 1 ? text : "they are different; \(text)", for: text)
            if try ask("\(text), again", for: text) == first { return first }
        }
        throw Failure(.secretUnavailable, "!prompt \"\(text)\": the two answers were different three times")
    }

    private func run(_ words: [String]) async throws(Failure) -> String {
        let name = "!command \(words[0])"
        do {
            let result = try await Subprocess.run(
                words[0].contains(scalar: "/") ? .path(FilePath(words[0])) : .name(words[0]),
                arguments: Arguments(Array(words.dropFirst())),
                output: .bytes(limit: 1 << 20), error: .discarded)
            guard result.terminationStatus.isSuccess else {
                // What the program printed may contain the secret: only its status is reported.
                throw Failure(.secretUnavailable, "\(name): the program failed (\(result.terminationStatus))")
            }
            return try Self.text(Data(result.standardOutput), of: name)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(.secretUnavailable, "\(name): the program could not be run")
        }
    }

    /// The text without one final line end, which editors and programs add.
    private static func text(_ data: Data, of source: String) throws(Failure) -> String {
        guard var text = String(validating: Array(data), as: UTF8.self) else {
            throw Failure(.secretUnavailable, "\(source): its content is not UTF-8 text")
        }
        // "\r\n" is one Character.
        if text.ends(with: "\n") { text.removeLast() }
        return text
    }
}

extension Failure.Code {
    package static let secretUnavailable = Failure.Code("recipes.secret-unavailable")
}
