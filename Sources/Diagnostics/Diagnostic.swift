/// A place in a text file. Lines and columns count from 1; columns count characters.
package struct Location: Hashable, Sendable, Codable, CustomStringConvertible {
    package let file: String
    package let line: Int
    package let column: Int

    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    package var description: String { "\(file):\(line):\(column)" }
}

/// One remark on a recipe: where, how bad, what.
package struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
    package enum Severity: String, Sendable, Codable { case error, warning }

    package let location: Location?
    package let severity: Severity
    /// Lower case, no full stop: "docker.daemon.storage-driver: …". No login of a URL is in it, whatever it quotes.
    package let text: String

    package init(_ severity: Severity, at location: Location?, _ text: String) {
        self.location = location
        self.severity = severity
        self.text = text.withoutLogins
    }

    package var description: String {
        let label = severity == .warning ? "warning: " : ""
        return location.map { "\($0): \(label)\(text)" } ?? "\(label)\(text)"
    }
}

/// All that is wrong with a recipe, reported at once.
package struct DiagnosticReport: Error, Sendable, CustomStringConvertible {
    package private(set) var diagnostics: [Diagnostic]

    package init(_ diagnostics: [Diagnostic] = []) { self.diagnostics = diagnostics }

    package mutating func error(at location: Location?, _ text: String) {
        diagnostics.append(Diagnostic(.error, at: location, text))
    }

    package mutating func warning(at location: Location?, _ text: String) {
        diagnostics.append(Diagnostic(.warning, at: location, text))
    }

    package mutating func merge(_ other: DiagnosticReport) { diagnostics += other.diagnostics }

    package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
    package var errors: [Diagnostic] { diagnostics.filter { $0.severity == .error } }
    package var warnings: [Diagnostic] { diagnostics.filter { $0.severity == .warning } }

    /// The same without repetitions: recipes that share a file share its mistakes.
    package var unrepeated: DiagnosticReport {
        var seen: Set<Diagnostic> = []
        return DiagnosticReport(diagnostics.filter { seen.insert($0).inserted })
    }

    /// One line each, in the order of file, line and column; what has no place comes first.
    package var description: String { sorted.map(\.description).joined(separator: "\n") }

    package var sorted: [Diagnostic] {
        diagnostics.enumerated().sorted { left, right in
            let l = left.element.location, r = right.element.location
            return (l?.file ?? "", l?.line ?? 0, l?.column ?? 0, left.offset)
                < (r?.file ?? "", r?.line ?? 0, r?.column ?? 0, right.offset)
        }.map(\.element)
    }
}
