/// Text in columns.
enum TextTable {
    /// A line a pair, the second column aligned; a value of several lines stays in its column.
    static func pairs(_ rows: [(String, String)]) -> String {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { name, value in
            let indented = value.split(separator: "\n", omittingEmptySubsequences: true)
                .joined(separator: "\n" + String(repeating: " ", count: width + 2))
            return pad(name, width) + "  " + indented
        }.joined(separator: "\n")
    }

    /// Rows under a head, columns two blanks apart, nothing after the last.
    static func columns(_ head: [String], _ rows: [[String]]) -> String {
        let all = [head] + rows
        let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            row.indices.map { $0 == row.indices.last ? row[$0] : pad(row[$0], widths[$0]) }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// The same in a terminal of `width` columns: where it is too wide, the columns in `spare` are left out, the first of
    /// them first, until it fits.
    static func columns(_ head: [String], _ rows: [[String]], width: Int?, spare: [String]) -> String {
        var shown = Array(head.indices)
        for name in spare {
            let table = columns(shown.map { head[$0] }, rows.map { row in shown.map { row[$0] } })
            guard let width, table.split(separator: "\n").contains(where: { $0.count > width }) else { break }
            shown.removeAll { head[$0] == name }
        }
        return columns(shown.map { head[$0] }, rows.map { row in shown.map { row[$0] } })
    }

    /// `text` in lines of at most `width` columns, broken between words, a longer word wherever it must.
    static func wrapped(_ text: String, width: Int) -> [String] {
        let width = max(1, width)
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if line.isEmpty {
                line = String(word)
            } else if line.count + 1 + word.count <= width {
                line += " " + word
            } else {
                lines.append(line)
                line = String(word)
            }
            while line.count > width {
                lines.append(String(line.prefix(width)))
                line = String(line.dropFirst(width))
            }
        }
        return line.isEmpty ? lines : lines + [line]
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
