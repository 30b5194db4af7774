package import Diagnostics

/// Writes `sha256` beside the `source` of an image into the text of a recipe, and changes nothing else in it.
package enum ImagePin {
    /// `text` with the key added; nil if the value at `location`, of a key `source`, is written in a way that this does not
    /// understand. The caller reads the result again.
    package static func adding(_ digest: String, to text: String, at location: Location) -> String? {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.unicodeScalars) }
        guard lines.indices.contains(location.line - 1) else { return nil }
        let line = lines[location.line - 1]
        let start = location.column - 1
        guard line.indices.contains(start) else { return nil }
        let before = string(line[..<start])
        if before.wholeMatch(of: /[ \-]*source:[ ]+/) != nil {
            // A key of a block: the new one is below it, as far to the right.
            guard let key = before.firstRange(of: "source")?.lowerBound,
                scalarEnd(line, from: start, inFlow: false) != nil
            else { return nil }
            let indent = String(repeating: " ", count: before[..<key].unicodeScalars.count)
            let end: [Unicode.Scalar] = line.last == "\r" ? ["\r"] : []
            lines.insert(Array("\(indent)sha256: \(digest)".unicodeScalars) + end, at: location.line)
        } else {
            guard let end = scalarEnd(line, from: start, inFlow: true) else { return nil }
            lines[location.line - 1].insert(contentsOf: ", sha256: \(digest)".unicodeScalars, at: end)
        }
        return lines.map { string($0[...]) }.joined(separator: "\n")
    }

    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// Where the scalar that begins at `start` ends in its line; nil if it goes on in the next one.
    private static func scalarEnd(_ line: [Unicode.Scalar], from start: Int, inFlow: Bool) -> Int? {
        let quote = line[start]
        guard quote == "\"" || quote == "'" else {
            guard !["|", ">", "&", "*", "!", "{", "["].contains(quote) else { return nil }
            var end = start
            while end < line.count, !(inFlow && [",", "}"].contains(line[end])) {
                if line[end] == "#", line[end - 1] == " " { break }
                end += 1
            }
            while end > start, [" ", "\r"].contains(line[end - 1]) { end -= 1 }
            return end
        }
        var place = start + 1
        while place < line.count {
            if quote == "\"", line[place] == "\\" {
                place += 2
            } else if line[place] == quote {
                guard quote == "'", place + 1 < line.count, line[place + 1] == "'" else { return place + 1 }
                place += 2
            } else {
                place += 1
            }
        }
        return nil
    }
}
