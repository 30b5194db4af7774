/// The difference of two texts by lines, as `diff -u` shows it.
package struct TextDifference: Sendable {
    package enum Line: Hashable, Sendable {
        case same(String)
        case removed(String)
        case added(String)
    }

    package let lines: [Line]

    /// How many lines are compared one by one.
    private static let mostLines = 4000

    package init(from old: String, to new: String) {
        // By scalars and bytes: "\r\n" is one Character, and two spellings of a letter are equal strings.
        let before = old.split(at: "\n", omittingEmptySubsequences: false).map(String.init)
        let after = new.split(at: "\n", omittingEmptySubsequences: false).map(String.init)
        func isSame(_ one: String, _ other: String) -> Bool { one.utf8.elementsEqual(other.utf8) }
        // The time that the difference takes grows with lines times changes, so what is the same at both ends is left out,
        // and a long middle is replaced as one piece.
        let start = zip(before, after).prefix { isSame($0, $1) }.count
        let end = zip(before[start...].reversed(), after[start...].reversed()).prefix { isSame($0, $1) }.count
        let old = before[start..<before.count - end], new = after[start..<after.count - end]
        var removed: Set<Int> = []
        var inserted: Set<Int> = []
        if old.count + new.count > Self.mostLines {
            removed = Set(old.indices)
            inserted = Set(new.indices)
        } else {
            for change in new.map({ Array($0.utf8) }).difference(from: old.map { Array($0.utf8) }) {
                switch change {
                case .remove(let offset, _, _): removed.insert(start + offset)
                case .insert(let offset, _, _): inserted.insert(start + offset)
                }
            }
        }
        var result: [Line] = []
        var i = 0
        var j = 0
        while i < before.count || j < after.count {
            if i < before.count, removed.contains(i) {
                result.append(.removed(before[i]))
                i += 1
            } else if j < after.count, inserted.contains(j) {
                result.append(.added(after[j]))
                j += 1
            } else {
                result.append(.same(after[j]))
                i += 1
                j += 1
            }
        }
        lines = result
    }

    package var isEmpty: Bool { lines.allSatisfy { if case .same = $0 { true } else { false } } }

    /// The changed lines with up to `context` lines around them; "…" stands for what is left out.
    package func text(context: Int = 3) -> String {
        var shown = [Bool](repeating: false, count: lines.count)
        for (index, line) in lines.enumerated() {
            if case .same = line { continue }
            for near in max(0, index - context)...min(lines.count - 1, index + context) { shown[near] = true }
        }
        var output: [String] = []
        for (index, line) in lines.enumerated() {
            guard shown[index] else {
                if output.last != " …" { output.append(" …") }
                continue
            }
            switch line {
            case .same(let text): output.append(" \(text)")
            case .removed(let text): output.append("-\(text)")
            case .added(let text): output.append("+\(text)")
            }
        }
        return output.joined(separator: "\n")
    }

    /// The difference as `diff -u` prints it and `patch` reads it, for texts whose last line has its end.
    package func unified(from old: String, to new: String, context: Int = 3) -> String {
        var shown = Set<Int>()
        for (index, line) in lines.enumerated() {
            if case .same = line { continue }
            shown.formUnion(max(0, index - context)...min(lines.count - 1, index + context))
        }
        var output = ["--- \(old)", "+++ \(new)"]
        var hunk: [String] = []
        var (oldLine, newLine, oldCount, newCount) = (1, 1, 0, 0)
        func close() {
            guard !hunk.isEmpty else { return }
            // A side without lines is named by the line before it.
            let oldStart = oldCount == 0 ? oldLine - 1 : oldLine - oldCount
            let newStart = newCount == 0 ? newLine - 1 : newLine - newCount
            output.append("@@ -\(oldStart),\(oldCount) +\(newStart),\(newCount) @@")
            output += hunk
            (hunk, oldCount, newCount) = ([], 0, 0)
        }
        // The empty piece after the last line end is not a line.
        let last = lines.count - 1
        for (index, line) in lines.enumerated() {
            if !shown.contains(index) { close() }
            let mark: String
            switch line {
            case .same("") where index == last: continue
            case .removed("") where index >= last - 1, .added("") where index >= last - 1: continue
            case .same(let text): mark = " " + text
            case .removed(let text): mark = "-" + text
            case .added(let text): mark = "+" + text
            }
            let isShown = shown.contains(index)
            if !mark.begins(with: "+") {
                oldLine += 1
                if isShown { oldCount += 1 }
            }
            if !mark.begins(with: "-") {
                newLine += 1
                if isShown { newCount += 1 }
            }
            if isShown { hunk.append(mark) }
        }
        close()
        return output.joined(separator: "\n") + "\n"
    }
}
