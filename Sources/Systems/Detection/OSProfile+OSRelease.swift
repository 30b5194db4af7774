import Text

extension OSProfile.System {
    /// Reads an os-release file; nil if it does not name the system.
    init?(_ release: OSRelease) {
        guard let id = release["ID"] else { return nil }
        let version = release["VERSION_ID"]
        self.init(
            id: id, versionID: version,
            codename: release["VERSION_CODENAME"] ?? Self.inParentheses(release["VERSION"])
                ?? Self.inParentheses(release["PRETTY_NAME"])
                ?? (["debian", "raspbian"].contains(id) ? version.flatMap { Self.debian[$0] } : nil),
            prettyName: release["PRETTY_NAME"])
    }

    /// VERSION_CODENAME exists since stretch; older files have the name only in VERSION: "7 (wheezy)".
    private static func inParentheses(_ text: String?) -> String? {
        guard let text, let open = text.unicodeScalars.lastIndex(of: "("),
            let close = text[open...].unicodeScalars.firstIndex(of: ")")
        else {
            return nil
        }
        let name = text[text.unicodeScalars.index(after: open)..<close]
        let isCodename = !name.isEmpty && name.utf8.allSatisfy { (97...122).contains($0) }
        return isCodename ? String(name) : nil
    }

    private static let debian = [
        "7": "wheezy", "8": "jessie", "9": "stretch", "10": "buster", "11": "bullseye", "12": "bookworm",
        "13": "trixie",
    ]
}
