import Text

/// Versions of Debian packages: [epoch:]upstream[-revision] (deb-version(7)).
enum PackageVersion {
    /// The authors' own version number, without the packagers' additions: no epoch, no revision, and nothing from the
    /// first character on that is not a digit or dot ("~ce", "+dfsg1", "~bzr976"). Nil if no number is left.
    static func upstream(_ version: String) -> String? {
        var rest = version[...]
        if let colon = rest.unicodeScalars.firstIndex(of: ":") {
            rest = rest[rest.unicodeScalars.index(after: colon)...]
        }
        var number = rest.prefix { $0 == "." || ("0"..."9").contains($0) }
        while number.last == "." { number.removeLast() }
        return number.isEmpty || number.first == "." ? nil : String(number)
    }
}
