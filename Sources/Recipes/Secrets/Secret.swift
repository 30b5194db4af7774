package import Diagnostics

/// A value that the recipe may leave to be read when it is needed: written out, or named by a tag.
///
/// Reading is the work of a ``SecretReading``; a secret itself never holds what it names, so that a node can be printed,
/// compared and hashed.
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

    package init(_ source: Source, at location: Location) {
        self.source = source
        self.location = location
    }

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
    /// The secret was not read (`check`, `render`): a text that stands for it, from ``Secret/placeholder``.
    case placeholder(String)
}

/// Reads secrets, each at most once per run.
package protocol SecretReading: Sendable {
    func read(_ secret: Secret) async throws(Failure) -> SecretValue
}

/// Leaves every tagged secret unread; literals are read.
package struct UnreadSecrets: SecretReading {
    package init() {}

    package func read(_ secret: Secret) async throws(Failure) -> SecretValue {
        if case .literal(let value) = secret.source { return .value(value) }
        return .placeholder(secret.placeholder)
    }
}
