import Text

/// Host names written as ranges, like the hostlists of pdsh and SLURM: "red[00-04,07]", "rack[1-2]n[01-12]", "a,b[1-3]".
package enum Hostlist {
    /// What is wrong with a hostlist, as a message.
    package struct Mistake: Error, Hashable, Sendable {
        package let text: String
    }

    /// More nodes than anyone has cards for. A larger range is a typing mistake.
    package static let limit = 10_000

    /// The names, in the order of the list; several ranges in one name count up from the right. Numbers keep the width
    /// of the range's first one.
    package static func expand(_ list: String) throws(Mistake) -> [String] {
        var names: [String] = []
        for item in try items(list) {
            var parts: [[String]] = []
            var rest = item[...]
            while let open = rest.unicodeScalars.firstIndex(of: "[") {
                guard let close = rest[open...].unicodeScalars.firstIndex(of: "]") else {
                    throw Mistake(text: "\"\(item)\" has a \"[\" without its \"]\"")
                }
                parts.append([String(rest[..<open])])
                parts.append(try numbers(rest[rest.unicodeScalars.index(after: open)..<close], of: item))
                rest = rest[rest.unicodeScalars.index(after: close)...]
            }
            if rest.contains(scalar: "]") { throw Mistake(text: "\"\(item)\" has a \"]\" without its \"[\"") }
            parts.append([String(rest)])
            let count = parts.reduce(names.count) { $0 + ($1.count > 1 ? $1.count : 0) }
            guard count <= limit else { throw Mistake(text: "\"\(item)\" names more than \(limit) nodes") }
            var made = [""]
            for part in parts {
                guard made.count * part.count <= limit else {
                    throw Mistake(text: "\"\(item)\" names more than \(limit) nodes")
                }
                made = made.flatMap { front in part.map { front + $0 } }
            }
            names += made
        }
        guard names.count <= limit else { throw Mistake(text: "the list names more than \(limit) nodes") }
        return names
    }

    /// The parts between commas outside brackets.
    private static func items(_ list: String) throws(Mistake) -> [String] {
        var items: [String] = []
        var item = ""
        var isInside = false
        for character in list {
            switch character {
            case ",", " ", "\n":
                if isInside {
                    if character == "," { item.append(character) }
                } else {
                    items.append(item)
                    item = ""
                }
                continue
            case "[":
                if isInside { throw Mistake(text: "\"\(list)\" has a \"[\" inside brackets") }
                isInside = true
            case "]": isInside = false
            default: break
            }
            item.append(character)
        }
        items.append(item)
        items.removeAll(where: \.isEmpty)
        guard !items.isEmpty else { throw Mistake(text: "the list names no node") }
        return items
    }

    /// The numbers of the text inside brackets: "00-04,07".
    private static func numbers(_ text: Substring, of item: String) throws(Mistake) -> [String] {
        var numbers: [String] = []
        for range in text.split(at: ",", omittingEmptySubsequences: false) {
            let ends = range.split(at: "-", maxSplits: 1, omittingEmptySubsequences: false)
            // 9 digits are more than enough, and fit every integer.
            guard let first = ends.first, let last = ends.last, (1...9).contains(first.utf8.count),
                (1...9).contains(last.utf8.count), let from = Int(first), let to = Int(last),
                (first + last).utf8.allSatisfy({ (0x30...0x39).contains($0) })
            else { throw Mistake(text: "\"\(range)\" in \"\(item)\" is not a range of numbers (00-04)") }
            guard from <= to else { throw Mistake(text: "the range \"\(range)\" in \"\(item)\" runs backwards") }
            guard to - from < limit else { throw Mistake(text: "\"\(item)\" names more than \(limit) nodes") }
            for number in from...to {
                let digits = String(number)
                numbers.append(String(repeating: "0", count: max(0, first.utf8.count - digits.utf8.count)) + digits)
            }
        }
        return numbers
    }
}
