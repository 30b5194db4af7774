import Text

/// What the [Service] section of a systemd unit says, as far as it decides which options reach the program
/// (systemd.syntax(7), systemd.service(5), systemd.exec(5)).
struct UnitFile {
    /// The command of ExecStart; an empty assignment takes back those before it, and the last one that is left counts.
    private(set) var command: String?
    /// The files of EnvironmentFile, without the "-" that allows them to be missing.
    private(set) var environmentFiles: [String] = []

    init(_ text: String) {
        var section = ""
        for line in Self.logicalLines(text) {
            if line.hasPrefix("[") {
                section = line
                continue
            }
            guard section == "[Service]", let mark = line.firstIndex(of: "=") else { continue }
            let value = line[line.index(after: mark)...].trimmed
            switch line[..<mark].trimmed {
            case "ExecStart": command = value.isEmpty ? nil : value
            case "EnvironmentFile":
                if value.isEmpty {
                    environmentFiles = []
                } else {
                    environmentFiles.append(value.hasPrefix("-") ? String(value.dropFirst()) : value)
                }
            default: break
            }
        }
    }

    /// Whether the variable `name` of the file at `path` becomes arguments of the command.
    func passes(_ name: String, of path: String) -> Bool {
        guard let command, environmentFiles.contains(path) else { return false }
        return command.contains("${\(name)}")
            || command.split(separator: " ").contains { $0 == "$\(name)" }
    }

    /// Lines with a backslash at their end go on in the next; comment lines in between are left out.
    private static func logicalLines(_ text: String) -> [String] {
        var result: [String] = []
        var open: String?
        for raw in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            let line = raw.trimmed
            if line.hasPrefix("#") || line.hasPrefix(";") { continue }
            let joined = open.map { line.isEmpty ? $0 : "\($0) \(line)" } ?? line
            if joined.hasSuffix("\\") {
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
