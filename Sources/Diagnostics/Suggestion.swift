/// The candidate that a mistyped word most likely meant, or nil when none is near.
///
/// Nearness is the optimal-string-alignment distance (insert, delete, replace, swap neighbours); a third of the
/// word's length may differ, and at least one character.
package func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
    let typed = Array(word.lowercased())
    let limit = max(1, typed.count / 3)
    return
        candidates
        .map { (candidate: $0, distance: editDistance(typed, Array($0.lowercased()))) }
        .filter { $0.distance <= limit }
        .min { ($0.distance, $0.candidate) < ($1.distance, $1.candidate) }?
        .candidate
}

func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
    var rows = [Array(0...b.count)]
    for i in 1...a.count {
        var row = [i]
        for j in 1...b.count {
            let replaced = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
            var best = min(rows[i - 1][j] + 1, row[j - 1] + 1, replaced)
            if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, rows[i - 2][j - 2] + 1) }
            row.append(best)
        }
        rows.append(row)
    }
    return rows[a.count][b.count]
}
