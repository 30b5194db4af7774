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

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
