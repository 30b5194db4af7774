import Systems
import Text

/// A file in the card's root partition that the first boot uses up.
struct CarriedFile: Hashable, Sendable {
    static let directory = "/var/cache/piflash"
    /// Where the first-boot program lists the files that it has used up: one digest a line.
    static let takenPath = RootPath.takenFiles

    enum Kind: String, Sendable, CaseIterable { case packages, images }

    let kind: Kind
    /// Of the contents, 12 hex digits.
    let digest: String
    /// Digest and file name, only of characters that are not special to a shell.
    let name: String
    let contents: [UInt8]

    init(_ kind: Kind, path: String, contents: [UInt8]) {
        self.kind = kind
        self.contents = contents
        digest = Text.digest(of: [contents])
        let own = path.split(at: "/").last.map(String.init) ?? "file"
        name = digest + "-" + String(own.map { Self.isPlain($0) ? $0 : "_" })
    }

    var path: String { "\(Self.directory(of: kind))/\(name)" }

    private static func directory(of kind: Kind) -> String { "\(directory)/\(kind.rawValue)" }

    /// Whether `path` is one that a carried file can have.
    static func owns(_ path: String) -> Bool {
        Kind.allCases.contains { kind in
            let prefix = directory(of: kind) + "/"
            return path.hasPrefix(prefix) && !path.dropFirst(prefix.count).contains(scalar: "/")
        }
    }

    private static func isPlain(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "._+~".contains(character))
            || character == "-"
    }
}
