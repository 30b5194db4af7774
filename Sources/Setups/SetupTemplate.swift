package import Diagnostics
import Templates
import Text

/// A set-up to start from: files with variables, which the first lines of the files document.
///
///     #: What the template makes.
///     #: NAME = DEFAULT -- what it is
///
/// `<<NAME>>` is a whole YAML value, and is written as one, whatever it contains; in comments, CSV and other files it is a
/// part of the text. A line that ends in `#if NAME` or `#unless NAME` is kept if the variable is not empty, or if it is empty. A line of
/// a CSV file with `<<node>>`, `<<index>>` or `<<number>>` is repeated for each node.
package struct SetupTemplate: Sendable {
    package struct Variable: Hashable, Sendable {
        package var name: String
        package var value: String
        package var about: String
    }

    package let name: String
    package let about: String
    package let variables: [Variable]
    private let files: [(name: String, lines: [String])]

    /// The variables that are made from `name` and `count`.
    private static let made: Set<String> = ["nodes", "first", "node", "index", "number"]
    package static var names: [String] { BuiltInTemplates.files.keys.sorted() }

    /// One of those that are compiled in.
    package init?(builtIn name: String) throws(DiagnosticReport) {
        guard let files = BuiltInTemplates.files[name] else { return nil }
        try self.init(name: name, files: files)
    }

    package init(name: String, files: [String: [UInt8]]) throws(DiagnosticReport) {
        var report = DiagnosticReport()
        var about: [String] = []
        var variables: [Variable] = []
        var kept: [(name: String, lines: [String])] = []
        for (file, bytes) in files.sorted(by: { $0.key < $1.key }) {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                report.error(at: Location(file: file, line: 1, column: 1), "the file is not UTF-8 text")
                continue
            }
            var lines: [String] = []
            for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                guard line.begins(with: "#:") else {
                    lines.append(String(line))
                    continue
                }
                let words = line.dropFirst(2).drop { $0.isWhitespace }
                guard let match = words.wholeMatch(of: /([a-z][a-z0-9_]*) *=(?: (.*?))? *-- (.*)/) else {
                    about.append(String(words))
                    continue
                }
                let variable = Variable(
                    name: String(match.1), value: match.2.map(String.init) ?? "", about: String(match.3))
                if Self.made.contains(variable.name) || variables.contains(where: { $0.name == variable.name }) {
                    report.error(
                        at: Location(file: file, line: index + 1, column: 1),
                        "the variable \"\(variable.name)\" appears twice")
                }
                variables.append(variable)
            }
            kept.append((file, lines))
        }
        guard !report.hasErrors else { throw report }
        self.name = name
        self.about = about.joined(separator: " ")
        self.variables = variables
        self.files = kept
    }

    /// The set-up's files, by name, with `values` in place of the defaults.
    package func files(with values: [String: String]) throws -> [String: String] {
        for name in values.keys.sorted() {
            guard !variables.contains(where: { $0.name == name }) else { continue }
            let known = variables.map(\.name)
            let help = nearest(to: name, among: known).map { "did you mean \"\($0)\"?" }
            throw Failure(
                .usage, severity: .usage,
                "the template \(self.name) has no variable \"\(name)\"\(help.map { " (\($0))" } ?? "")",
                hint: "it has \(known.joined(separator: ", ")); `piflash new \(self.name) --help-template` says more")
        }
        var all: [String: String] = [:]
        for variable in variables { all[variable.name] = values[variable.name] ?? variable.value }
        let nodes = try nodes(all)
        if let first = nodes.first { all["first"] = first.name }
        if let range = range(all, nodes) { all["nodes"] = range }
        var report = DiagnosticReport()
        var result: [String: String] = [:]
        for file in files { result[file.name] = Self.filled(file.name, file.lines, all, nodes, &report) }
        guard !report.hasErrors else { throw report }
        return result
    }

    // MARK: Nodes

    private typealias Numbered = (name: String, number: String)

    private func nodes(_ values: [String: String]) throws(Failure) -> [Numbered] {
        guard let text = values["count"] else { return [] }
        guard let count = Int(text), (1...999).contains(count) else {
            throw Failure(.usage, severity: .usage, "count is 1 to 999, not \"\(text)\"")
        }
        let name = values["name"] ?? "node"
        // A host name without the characters that mean a range: brackets and commas.
        guard name.wholeMatch(of: /[a-z][a-z0-9-]{0,58}/) != nil else {
            throw Failure(
                .usage, severity: .usage, "name begins host names: \"\(name)\" is not lower case letters, digits and -")
        }
        let width = max(2, String(count).count)
        var nodes: [Numbered] = []
        for index in 1...count {
            let digits = String(index)
            let number = String(repeating: "0", count: width - digits.count) + digits
            nodes.append((name + number, number))
        }
        return nodes
    }

    private func range(_ values: [String: String], _ nodes: [Numbered]) -> String? {
        guard let first = nodes.first, let last = nodes.last else { return nil }
        return nodes.count == 1 ? first.name : "\(values["name"] ?? "node")[\(first.number)-\(last.number)]"
    }

    // MARK: Filling in

    private static func filled(
        _ file: String, _ lines: [String], _ values: [String: String], _ nodes: [Numbered],
        _ report: inout DiagnosticReport
    ) -> String {
        let isYAML = file.ends(with: ".yaml") || file.ends(with: ".yml")
        let isCSV = file.ends(with: ".csv")
        var result: [String] = []
        for (index, line) in lines.enumerated() {
            let place = Location(file: file, line: index + 1, column: 1)
            var line = line
            if let match = line.firstMatch(of: /\ *#(if|unless) ([a-z][a-z0-9_]*)$/) {
                guard let value = values[String(match.2)] else {
                    report.error(at: place, "there is no variable \"\(match.2)\"")
                    continue
                }
                guard value.isEmpty == (match.1 == "unless") else { continue }
                line = String(line[..<match.range.lowerBound])
            }
            let isRepeated = isCSV && line.contains(/<<(node|index|number)>>/)
            for (index, node) in (isRepeated ? nodes : [("", "")]).enumerated() {
                var all = values
                if isRepeated {
                    all["node"] = node.name
                    all["index"] = String(index + 1)
                    all["number"] = node.number
                }
                if isCSV {
                    let fields = line.split(at: ",", omittingEmptySubsequences: false)
                    result.append(
                        fields.map { csvField(replaced(String($0), all, place, &report) { $0 }) }
                            .joined(separator: ","))
                } else if isYAML, !line.drop(while: { $0 == " " }).begins(with: "#") {
                    checkPlaces(line, place, &report)
                    result.append(replaced(line, all, place, &report, YAMLScalar.text))
                } else {
                    result.append(replaced(line, all, place, &report, oneLine))
                }
            }
        }
        return result.joined(separator: "\n")
    }

    private static func replaced(
        _ text: String, _ values: [String: String], _ place: Location, _ report: inout DiagnosticReport,
        _ write: (String) -> String
    ) -> String {
        var result = ""
        var rest = text[...]
        while let match = rest.firstMatch(of: /<<([a-z][a-z0-9_]*)>>/.matchingSemantics(.unicodeScalar)) {
            result += rest[..<match.range.lowerBound]
            if let value = values[String(match.1)] {
                result += write(value)
            } else {
                let near = nearest(to: String(match.1), among: values.keys.sorted()).map {
                    " (did you mean \"\($0)\"?)"
                }
                report.error(at: place, "there is no variable \(match.0)\(near ?? "")")
            }
            rest = rest[match.range.upperBound...]
        }
        return result + rest
    }

    /// A variable is all of a value: beside other text, or in quotes, it could not be written so that YAML reads it back.
    private static func checkPlaces(_ line: String, _ place: Location, _ report: inout DiagnosticReport) {
        for match in line.matches(of: /<<[a-z][a-z0-9_]*>>/) {
            let before = line[..<match.range.lowerBound].last ?? " "
            let after = line[match.range.upperBound...].first ?? " "
            guard !" [,".contains(before) || !" ],}".contains(after) else { continue }
            report.error(
                at: place, "\(match.0): in YAML a variable must be a whole value, without quotes or other text")
        }
    }

    /// For comments: a line end in a value would start a new line.
    private static func oneLine(_ text: String) -> String {
        // Nor what no YAML may hold: noncharacters.
        let separators: Set<Unicode.Scalar> = ["\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FFFE}", "\u{FFFF}"]
        let scalars = text.unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control || separators.contains(scalar) ? " " : scalar
        }
        return String(String.UnicodeScalarView(scalars))
    }

    /// RFC 4180.
    private static func csvField(_ text: String) -> String {
        let isPlain = !text.unicodeScalars.contains { ",;\"\n\r\t".unicodeScalars.contains($0) }
        guard !isPlain || text.trimmed.utf8.count != text.utf8.count else { return text }
        return "\"" + text.replacing(scalar: "\"", with: "\"\"") + "\""
    }
}

/// A string as YAML: plain where nobody could take it for anything else, else in double quotes (YAML 1.2, 7.3.1).
enum YAMLScalar {
    private static let words: Set<String> = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]

    static func text(_ string: String) -> String {
        let isWord =
            string.wholeMatch(of: /[A-Za-z][A-Za-z0-9_.\/-]*/.matchingSemantics(.unicodeScalar)) != nil
            && !words.contains(string.lowercased())
        let isAddress =
            string.wholeMatch(of: /[0-9]{1,3}(\.[0-9]{1,3}){3}(\/[0-9]{1,2})?/.matchingSemantics(.unicodeScalar)) != nil
        return isWord || isAddress ? string : quoted(string)
    }

    static func quoted(_ string: String) -> String {
        var text = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case " "..."~", "\u{A0}"..."\u{2027}", "\u{202A}"..."\u{D7FF}", "\u{E000}"..."\u{FEFE}",
                "\u{FF00}"..."\u{FFFD}", "\u{10000}"..."\u{10FFFF}":
                text.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return text + "\""
    }
}
