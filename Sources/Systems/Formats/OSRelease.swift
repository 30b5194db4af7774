import Text

/// Lines of KEY=value, with or without quotes: os-release(5), and other files of this form.
struct OSRelease {
    private let values: [String: String]

    init(_ text: String) {
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let mark = line.unicodeScalars.firstIndex(of: "="), line.first != "#" else { continue }
            let value = line[line.unicodeScalars.index(after: mark)...].filter { $0 != "\"" && $0 != "'" }
            // The first value counts: HypriotOS appends its own keys to the distribution's file.
            if values[String(line[..<mark])] == nil { values[String(line[..<mark])] = value }
        }
        self.values = values
    }

    /// The value of `key`; nil if it is missing or empty.
    subscript(_ key: String) -> String? { values[key].flatMap { $0.isEmpty ? nil : $0 } }
}
