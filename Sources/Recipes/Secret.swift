public import Diagnostics

/// A value that the recipe may leave to be read when it is needed: written out, or named by a tag.
///
/// Reading is the work of a ``SecretReading``; a secret itself never holds what it names, so that a node can be printed,
/// compared and hashed.
public struct Secret: Hashable, Sendable {
    public enum Source: Hashable, Sendable {
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

    public var source: Source
    public var location: Location

    public init(_ source: Source, at location: Location) {
        self.source = source
        self.location = location
    }

    /// How the secret is shown where its value must not be: the tag, never a value.
    public var placeholder: String {
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
public enum SecretValue: Hashable, Sendable {
    case value(String)
    /// The secret was not read (`check`, `render`): a text that stands for it, from ``Secret/placeholder``.
    case placeholder(String)
}

/// Reads secrets, each at most once per run.
public protocol SecretReading: Sendable {
    func read(_ secret: Secret) async throws(Failure) -> SecretValue
}

/// Leaves every tagged secret unread; literals are read.
public struct UnreadSecrets: SecretReading {
    public init() {}

    public func read(_ secret: Secret) async throws(Failure) -> SecretValue {
        if case .literal(let value) = secret.source { return .value(value) }
        return .placeholder(secret.placeholder)
    }
}
