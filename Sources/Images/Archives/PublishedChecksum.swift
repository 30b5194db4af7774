import Diagnostics
import Host
import Text
package import SystemPackage

/// The SHA-256 that a file beside an image says it should have, as vendors publish it and `sha256sum` reads it.
package enum PublishedChecksum {
    private static let endings = [".sha256", ".sha256sum"]
    private static let lists = ["SHA256SUMS"]

    /// In lower-case hex; nil if there is no such file, or it does not name the image.
    package static func find(for image: FilePath) -> String? {
        guard let name = image.lastComponent?.string else { return nil }
        let directory = image.removingLastComponent()
        for file in endings.map({ name + $0 }) + lists {
            guard let bytes = (try? DurableFile.read(directory.appending(file), limit: 1 << 20, kind: .regular)) ?? nil
            else { continue }
            let text = String(decoding: bytes, as: UTF8.self)
            if let digest = digest(in: text, of: name, isList: lists.contains(file)) { return digest }
        }
        return nil
    }

    /// The digest that `text` says `name` has. A file that `isList` names each of its images.
    static func digest(in text: String, of name: String, isList: Bool) -> String? {
        for line in text.split(whereSeparator: \.isNewline) {
            // "HEX  NAME", "HEX *NAME", "SHA256 (NAME) = HEX", and a digest alone in a file for one image.
            let words = line.split(at: " ", maxSplits: 1).map(String.init)
            let found =
                if let match = line.wholeMatch(
                    of: /SHA256 \((.*)\) = ([0-9A-Fa-f]{64})\s*/.matchingSemantics(.unicodeScalar))
                {
                    (digest: String(match.2), name: String(match.1))
                } else {
                    (digest: words.first ?? "", name: words.count > 1 ? words[1] : "")
                }
            let named = found.name.trimmingPrefix(/[ *]+(\.\/)?/).trimmingSuffix(while: \.isWhitespace)
            guard found.digest.wholeMatch(of: /[0-9A-Fa-f]{64}/) != nil,
                named == name || named.isEmpty && !isList
            else { continue }
            return found.digest.lowercased()
        }
        return nil
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while isTrimmed: (Character) -> Bool) -> String {
        var rest = self
        while let last = rest.last, isTrimmed(last) { rest.removeLast() }
        return String(rest)
    }
}
