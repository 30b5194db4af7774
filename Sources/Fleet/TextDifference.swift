/// The difference of two texts by lines, as `diff -u` shows it.
public struct TextDifference: Sendable {
    public enum Line: Hashable, Sendable {
        case same(String)
        case removed(String)
        case added(String)
    }

    public let lines: [Line]

    public init(from old: String, to new: String) {
        let before = old.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let after = new.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var removed: Set<Int> = []
        var inserted: Set<Int> = []
        for change in after.difference(from: before) {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): inserted.insert(offset)
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

    public var isEmpty: Bool { lines.allSatisfy { if case .same = $0 { true } else { false } } }

    /// The changed lines with up to `context` lines around them; "…" stands for what is left out.
    public func text(context: Int = 3) -> String {
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
}
