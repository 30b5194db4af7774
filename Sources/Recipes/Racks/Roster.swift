import Text
import Diagnostics

/// A table of people or places, one row for each node: a CSV file (RFC 4180) with the columns' names in its first line.
///
/// Spreadsheets differ: a byte-order mark, "\r\n", and ";" or tabs between the fields are accepted.
struct Roster: Hashable, Sendable {
    struct Row: Hashable, Sendable {
        /// Of the file, from 1.
        let line: Int
        /// By the column's name.
        let fields: [String: String]
    }

    let file: String
    /// The columns' names as variables: lower case, "_" for what no variable can hold.
    let columns: [String]
    let rows: [Row]

    /// Reports what is wrong with the file, with the line. Nil if something is.
    init?(_ text: String, file: String, report: inout DiagnosticReport) {
        let text = Array(text.withoutByteOrderMark.unicodeScalars)
        let header = text.prefix { !Self.isLineEnd($0) }
        let separators: [Unicode.Scalar] = [",", ";", "\t"]
        let separator = separators.max { one, other in header.count { $0 == one } < header.count { $0 == other } }
        guard let records = Self.records(text, separator: separator ?? ",", file: file, report: &report)
        else { return nil }
        guard let names = records.first else {
            report.error(at: Location(file: file, line: 1, column: 1), "the roster is empty")
            return nil
        }
        columns = names.fields.map(Self.variable)
        var seen: Set<String> = []
        for (index, column) in columns.enumerated() {
            let place = Location(file: file, line: names.line, column: 1)
            if column.isEmpty {
                report.error(at: place, "column \(index + 1) of the roster has no name")
            } else if RackVariables.builtIn.contains(column) {
                report.error(at: place, "the roster's column \"\(column)\" has the name of a built-in variable")
            } else if !seen.insert(column).inserted {
                report.error(at: place, "the roster's column \"\(column)\" appears twice")
            }
        }
        var rows: [Row] = []
        for record in records.dropFirst() {
            guard record.fields.count == columns.count else {
                report.error(
                    at: Location(file: file, line: record.line, column: 1),
                    "this row has \(record.fields.count) fields, the first line names \(columns.count)")
                continue
            }
            var fields: [String: String] = [:]
            for (column, field) in zip(columns, record.fields) { fields[column] = field }
            rows.append(Row(line: record.line, fields: fields))
        }
        guard !report.hasErrors else { return nil }
        self.file = file
        self.rows = rows
    }

    /// "E-Mail" becomes "e_mail".
    private static func variable(_ name: String) -> String {
        var text = ""
        for scalar in name.lowercased().unicodeScalars {
            switch scalar {
            case "a"..."z", "0"..."9": text.unicodeScalars.append(scalar)
            default: if !text.isEmpty, text.last != "_" { text.append("_") }
            }
        }
        while text.last == "_" { text.removeLast() }
        return text.utf8.first.map { (0x30...0x39).contains($0) } == true ? "_" + text : text
    }

    private static func isLineEnd(_ scalar: Unicode.Scalar) -> Bool { scalar == "\n" || scalar == "\r" }

    private struct Record {
        let line: Int
        var fields: [String]
    }

    /// RFC 4180: fields may be in quotes, which are doubled inside; quoted fields may contain line ends. Blank lines are
    /// left out, and so are blanks around a field without quotes.
    private static func records(
        _ text: [Unicode.Scalar], separator: Unicode.Scalar, file: String, report: inout DiagnosticReport
    ) -> [Record]? {
        var records: [Record] = []
        var fields: [String] = []
        var field = String.UnicodeScalarView()
        var line = 1
        var start = 1
        var isQuoted = false
        var wasQuoted = false
        func finishField() {
            fields.append(wasQuoted ? String(field) : String(field).trimmed)
            field = String.UnicodeScalarView()
            wasQuoted = false
        }
        func finishRecord() {
            finishField()
            if fields.contains(where: { !$0.isEmpty }) { records.append(Record(line: start, fields: fields)) }
            fields = []
        }
        var index = 0
        while index < text.count {
            let scalar = text[index]
            let next = index + 1
            // "\r\n" is one line end.
            let endsLine = scalar == "\n" || scalar == "\r" && (next == text.count || text[next] != "\n")
            if isQuoted {
                if scalar == "\"" {
                    if next < text.count, text[next] == "\"" {
                        field.append("\"")
                        index = next + 1
                        continue
                    }
                    isQuoted = false
                } else {
                    if endsLine { line += 1 }
                    field.append(scalar)
                }
            } else if scalar == "\"", field.allSatisfy(\.properties.isWhitespace), !wasQuoted {
                field = String.UnicodeScalarView()
                isQuoted = true
                wasQuoted = true
            } else if scalar == separator {
                finishField()
            } else if endsLine {
                finishRecord()
                line += 1
                start = line
            } else if wasQuoted || scalar == "\r" {
                if !scalar.properties.isWhitespace {
                    report.error(
                        at: Location(file: file, line: line, column: 1),
                        "there is text after a closing quote: write a quote inside quotes twice")
                    return nil
                }
            } else {
                field.append(scalar)
            }
            index = next
        }
        guard !isQuoted else {
            report.error(at: Location(file: file, line: start, column: 1), "a quote that opens here is never closed")
            return nil
        }
        finishRecord()
        return records
    }
}
