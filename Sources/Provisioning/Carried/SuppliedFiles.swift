import Text
import Filesystems
import Recipes
import Systems

/// The files that every flavour gets in its root partition.
struct SuppliedFiles: Sendable {
    let carried: [CarriedFile]
    let certificate: NodeCertificate?
    let edits: [TreeChange]
    /// Files that the node has used up, and that are not put on the card again.
    let taken: [String]

    static let certificateDirectory = "/etc/docker/piflash"
    static let certificatePaths = ["ca", "cert", "key"].map { "\(certificateDirectory)/\($0).pem" }

    init(_ supplies: Supplies, root: RootSnapshot?) {
        let carried =
            supplies.packages.map { CarriedFile(.packages, path: $0.path.value, contents: $0.contents) }
            + supplies.savedImages.map { CarriedFile(.images, path: $0.path.value, contents: $0.contents) }
        self.carried = carried
        certificate = supplies.certificate
        guard let root, root.problem == nil else {
            (edits, taken) = ([], [])
            return
        }
        let used = Set((root.text(CarriedFile.takenPath) ?? "").split(separator: "\n").map(String.init))
        taken = carried.filter { used.contains($0.digest) }.map(\.path)
        var edits = carried.filter { !used.contains($0.digest) }.map {
            TreeChange(.file(contents: $0.contents, mode: 0o600), at: $0.path)
        }
        if let certificate = supplies.certificate {
            edits.append(TreeChange(.directory(mode: 0o700), at: Self.certificateDirectory))
            for (name, text, mode) in [
                ("ca", certificate.authority, 0o644), ("cert", certificate.certificate, 0o644),
                ("key", certificate.key, 0o600),
            ] {
                edits.append(
                    TreeChange(
                        .file(contents: Array(text.utf8), mode: UInt16(mode)),
                        at: "\(Self.certificateDirectory)/\(name).pem"))
            }
        }
        self.edits = edits
    }

    /// Whether `path` is one that these files can have.
    static func owns(_ path: String) -> Bool {
        let prefix = certificateDirectory + "/"
        let isCertificate =
            path.hasPrefix(prefix) && path.ends(with: ".pem") && !path.dropFirst(prefix.count).contains(scalar: "/")
        return isCertificate || CarriedFile.owns(path)
    }
}
