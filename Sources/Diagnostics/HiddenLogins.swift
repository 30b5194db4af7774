extension String {
    /// The text with "…" in place of the user and the password of each URL in it: "http://…@proxy:3128". A message quotes
    /// what the user wrote, also where a login does not belong; a URL in quotes may have blanks in its password.
    package var withoutLogins: String {
        var rest = unicodeScalars[...]
        var result = String.UnicodeScalarView()
        let slashes = Array("://".unicodeScalars)
        while let colon = rest.indices.first(where: { rest[$0...].starts(with: slashes) }) {
            let start = rest.index(colon, offsetBy: slashes.count)
            let scheme = rest[..<colon].reversed().prefix {
                $0.properties.isAlphabetic || $0.properties.numericType != nil
            }
            let isQuoted = rest[..<colon].dropLast(scheme.count).last == "\""
            let url = rest[start...].prefix { isQuoted ? $0 != "\"" : !$0.properties.isWhitespace && $0 != "\"" }
            result += rest[..<start]
            rest = rest[start...]
            guard let at = url.lastIndex(where: { $0 == "@" }), !Self.isPlaceholder(url[..<at]) else { continue }
            result += "…".unicodeScalars
            rest = rest[at...]
        }
        return String(result + rest)
    }

    /// Whether it is how our own texts describe a login.
    private static func isPlaceholder(_ login: Substring.UnicodeScalarView) -> Bool {
        login.elementsEqual("user:password".unicodeScalars)
    }
}

/// A key as a message names it: a key that is not known may be a line that was not meant as one, as `password=secret`,
/// whose value is not shown.
package func quotedKey(_ name: String) -> String {
    let key = name.unicodeScalars.prefix { !$0.properties.isWhitespace && $0 != "=" && $0 != ":" }
    return key.count == name.unicodeScalars.count ? "\"\(name)\"" : "\"\(String(key))…\""
}

extension String.UnicodeScalarView {
    fileprivate static func + (left: Self, right: Substring.UnicodeScalarView) -> Self {
        var all = left
        all += right
        return all
    }
}
