/// A place in a text file. Lines and columns count from 1; columns count characters.
public struct Location: Hashable, Sendable, Codable, CustomStringConvertible {
    public let file: String
    public let line: Int
    public let column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    public var description: String { "\(file):\(line):\(column)" }
}

/// One remark on a recipe: where, how bad, what.
public struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
    public enum Severity: String, Sendable, Codable { case error, warning }

    public let location: Location?
    public let severity: Severity
    /// Lower case, no full stop: "docker.daemon.storage-driver: …".
    public let text: String

    public init(_ severity: Severity, at location: Location?, _ text: String) {
        self.location = location
        self.severity = severity
        self.text = text
    }

    public var description: String {
        let label = severity == .warning ? "warning: " : ""
        return location.map { "\($0): \(label)\(text)" } ?? "\(label)\(text)"
    }
}

/// All that is wrong with a recipe, reported at once.
public struct DiagnosticReport: Error, Sendable, CustomStringConvertible {
    public private(set) var diagnostics: [Diagnostic]

    public init(_ diagnostics: [Diagnostic] = []) { self.diagnostics = diagnostics }

    public mutating func error(at location: Location?, _ text: String) {
        diagnostics.append(Diagnostic(.error, at: location, text))
    }

    public mutating func warning(at location: Location?, _ text: String) {
        diagnostics.append(Diagnostic(.warning, at: location, text))
    }

    public mutating func merge(_ other: DiagnosticReport) { diagnostics += other.diagnostics }

    public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
    public var errors: [Diagnostic] { diagnostics.filter { $0.severity == .error } }
    public var warnings: [Diagnostic] { diagnostics.filter { $0.severity == .warning } }

    /// The same without repetitions: recipes that share a file share its mistakes.
    public var unrepeated: DiagnosticReport {
        var seen: Set<Diagnostic> = []
        return DiagnosticReport(diagnostics.filter { seen.insert($0).inserted })
    }

    /// One line each, in the order of file, line and column; what has no place comes first.
    public var description: String { sorted.map(\.description).joined(separator: "\n") }

    public var sorted: [Diagnostic] {
        diagnostics.enumerated().sorted { left, right in
            let l = left.element.location, r = right.element.location
            return (l?.file ?? "", l?.line ?? 0, l?.column ?? 0, left.offset)
                < (r?.file ?? "", r?.line ?? 0, r?.column ?? 0, right.offset)
        }.map(\.element)
    }
}
