import Text

/// The settings in the [Service] section of a systemd unit that decide which options the program gets
/// (systemd.syntax(7), systemd.service(5), systemd.exec(5)).
struct UnitFile {
    /// The command of ExecStart. An empty assignment removes the earlier ones; the last one that remains counts.
    private(set) var command: String?
    /// The files of EnvironmentFile, without the "-" that says that a file may be missing.
    private(set) var environmentFiles: [String] = []

    init(_ text: String) {
        var section = ""
        for line in Self.logicalLines(text) {
            if line.begins(with: "[") {
                section = line
                continue
            }
            guard section == "[Service]", let mark = line.unicodeScalars.firstIndex(of: "=") else { continue }
            let value = line[line.unicodeScalars.index(after: mark)...].trimmed
            switch line[..<mark].trimmed {
            case "ExecStart": command = value.isEmpty ? nil : value
            case "EnvironmentFile":
                if value.isEmpty {
                    environmentFiles = []
                } else {
                    environmentFiles.append(value.begins(with: "-") ? String(value.dropFirst()) : value)
                }
            default: break
            }
        }
    }

    /// Whether the command gets the variable `name` of the file at `path` as arguments.
    func passes(_ name: String, of path: String) -> Bool {
        guard let command, environmentFiles.contains(path) else { return false }
        return command.contains("${\(name)}")
            || command.split(at: " ").contains { $0 == "$\(name)" }
    }

    /// A line with a backslash at its end continues in the next one; comment lines between them are ignored.
    private static func logicalLines(_ text: String) -> [String] {
        var result: [String] = []
        var open: String?
        for raw in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            let line = raw.trimmed
            if line.begins(with: "#") || line.begins(with: ";") { continue }
            let joined = open.map { line.isEmpty ? $0 : "\($0) \(line)" } ?? line
            if joined.ends(with: "\\") {
                open = joined.dropLast().trimmed
            } else {
                if !joined.isEmpty { result.append(joined) }
                open = nil
            }
        }
        if let open { result.append(open) }
        return result
    }
}
