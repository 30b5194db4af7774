import Diagnostics
import Images
import Provisioning

/// Reads from the archives that a card carries what they say about themselves.
extension DebianPackage {
    /// Reads the contents of a .deb; messages call it `file`.
    ///
    /// deb(5): an ar archive of `debian-binary`, `control.tar` and `data.tar`, the latter two compressed.
    init(
        _ contents: [UInt8], file: String, isCancelled: @escaping () -> Bool = { false }
    ) throws(Failure) {
        // ar(5)
        guard contents.starts(with: Array("!<arch>\n".utf8)) else {
            throw Failure(.damagedPayload, "\(file) is not a Debian package")
        }
        let outer = try ArchiveMembers.read(contents, name: file, isCancelled: isCancelled) {
            $0.hasPrefix("control.tar") || $0 == "debian-binary"
        }
        guard outer["debian-binary"] != nil, let control = outer.first(where: { $0.key.hasPrefix("control.tar") })
        else { throw Failure(.damagedPayload, "\(file) is not a Debian package") }
        let inner = try ArchiveMembers.read(
            control.value, name: "\(control.key) of \(file)", isCancelled: isCancelled
        ) { $0 == "control" }
        try self.init(control: inner["control"] ?? [], file: file)
    }
}

extension SavedImage {
    /// The images in an archive of `docker save`, a tar that may be compressed; messages call it `file`.
    static func list(
        _ contents: [UInt8], file: String, isCancelled: @escaping () -> Bool = { false }
    ) throws(Failure) -> [SavedImage] {
        let listed = try ArchiveMembers.read(contents, name: file, isCancelled: isCancelled) { $0 == Manifest.name }[
            Manifest.name]
        guard let listed else {
            throw Failure(
                .damagedPayload, "\(file) is not an archive of docker save: it contains no \(Manifest.name)",
                hint: "docker export writes file systems, not images: use docker save")
        }
        let manifest = try Manifest(listed, file: file)
        // A second pass: the configurations may come before the manifest.
        let names = manifest.configurations
        return try manifest.images(
            ArchiveMembers.read(contents, name: file, isCancelled: isCancelled) { names.contains($0) })
    }
}
