import Systems
import Text
import Filesystems
import Recipes

/// A file that the card carries in its root partition for the first boot, which uses it up.
struct CarriedFile: Hashable, Sendable {
    static let directory = "/var/cache/piflash"
    /// Where the first-boot program notes what it has used up: a digest a line.
    static let takenPath = "/var/lib/piflash/taken"

    enum Kind: String, Sendable { case packages, images }

    let kind: Kind
    /// Of the contents, 12 hex digits.
    let digest: String
    /// Digest and the file's own name, of characters that mean nothing to a shell.
    let name: String
    let contents: [UInt8]

    init(_ kind: Kind, path: String, contents: [UInt8]) {
        self.kind = kind
        self.contents = contents
        digest = Text.digest(of: [contents])
        let own = path.split(separator: "/").last.map(String.init) ?? "file"
        name = digest + "-" + String(own.map { Self.isPlain($0) ? $0 : "_" })
    }

    var path: String { "\(Self.directory)/\(kind.rawValue)/\(name)" }

    private static func isPlain(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "._+~".contains(character))
            || character == "-"
    }
}

/// What every flavour gets in its root partition, whatever else it takes there.
struct SuppliedFiles: Sendable {
    let carried: [CarriedFile]
    let edits: [RootEdit]
    /// What the card has used up already, and so carries no second time.
    let taken: [String]

    static let certificateDirectory = "/etc/docker/piflash"
    static let certificatePaths = ["ca", "cert", "key"].map { "\(certificateDirectory)/\($0).pem" }

    init(_ supplies: Supplies, root: RootSnapshot?) {
        let carried =
            supplies.packages.map { CarriedFile(.packages, path: $0.path.value, contents: $0.contents) }
            + supplies.images.map { CarriedFile(.images, path: $0.path.value, contents: $0.contents) }
        self.carried = carried
        guard let root, root.obstacle == nil else {
            (edits, taken) = ([], [])
            return
        }
        let used = Set((root.text(CarriedFile.takenPath) ?? "").split(separator: "\n").map(String.init))
        taken = carried.filter { used.contains($0.digest) }.map(\.path)
        var edits = carried.filter { !used.contains($0.digest) }.map {
            RootEdit(.file(contents: $0.contents, mode: 0o600), at: $0.path)
        }
        if let certificate = supplies.certificate {
            edits.append(RootEdit(.directory(mode: 0o700), at: Self.certificateDirectory))
            for (name, text, mode) in [
                ("ca", certificate.authority, 0o644), ("cert", certificate.certificate, 0o644),
                ("key", certificate.key, 0o600),
            ] {
                edits.append(
                    RootEdit(
                        .file(contents: Array(text.utf8), mode: UInt16(mode)),
                        at: "\(Self.certificateDirectory)/\(name).pem"))
            }
        }
        self.edits = edits
    }

    /// Whether piflash put the file there, and may remove it.
    static func owns(_ path: String) -> Bool {
        path.hasPrefix(certificateDirectory + "/") || path.hasPrefix(CarriedFile.directory + "/")
    }
}
