import Text

/// Text in columns.
enum TextTable {
    /// One line per pair, the second column aligned; all lines of a value stay in its column.
    static func pairs(_ rows: [(String, String)]) -> String {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { name, value in
            let indented = value.split(separator: "\n", omittingEmptySubsequences: true)
                .joined(separator: "\n" + String(repeating: " ", count: width + 2))
            return padded(name, width) + "  " + indented
        }.joined(separator: "\n")
    }

    /// Rows under a head, columns two blanks apart, no blanks after the last column.
    static func columns(_ head: [String], _ rows: [[String]]) -> String {
        // A line end in a cell would begin a row.
        let all = ([head] + rows).map { $0.map { $0.replacing(scalar: "\n", with: " ") } }
        let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            row.indices.map { $0 == row.indices.last ? row[$0] : padded(row[$0], widths[$0]) }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// The same for a terminal of `width` columns: while the table is too wide, the columns in `spare` are left out, in
    /// their order.
    static func columns(_ head: [String], _ rows: [[String]], width: Int?, spare: [String]) -> String {
        var shown = Array(head.indices)
        for name in spare {
            let table = columns(shown.map { head[$0] }, rows.map { row in shown.map { row[$0] } })
            guard let width, table.split(separator: "\n").contains(where: { $0.count > width }) else { break }
            shown.removeAll { head[$0] == name }
        }
        return columns(shown.map { head[$0] }, rows.map { row in shown.map { row[$0] } })
    }

    /// `text` in lines of at most `width` columns, broken between words; a word that is longer than a line is broken
    /// too.
    static func wrapped(_ text: String, width: Int) -> [String] {
        let width = max(1, width)
        var lines: [String] = []
        var line = ""
        for word in text.split(at: " ") {
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

    /// `text` with blanks up to `width` columns.
    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// As many of `parts`, from the left, as fit into `width` columns, two blanks apart.
    static func fitting(_ parts: [String], width: Int) -> String {
        var parts = parts
        while parts.count > 1, parts.joined(separator: "  ").count > width { parts.removeLast() }
        let line = parts.joined(separator: "  ")
        let text = line.count > width ? String(line.prefix(width)) : line
        // The padding of the last part is not needed.
        return String(text.reversed().drop { $0 == " " }.reversed())
    }
}
