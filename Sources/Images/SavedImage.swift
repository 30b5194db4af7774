package import Diagnostics
import FoundationEssentials

/// A container image in an archive of `docker save`.
///
/// The archive is a tar, also packed by gzip; its manifest.json lists the images, each with the name of a file that holds
/// its configuration: <https://github.com/moby/docker-image-spec/blob/main/spec.md>
package struct SavedImage: Hashable, Sendable {
    /// "red/web:2"; empty for an image without a name.
    package var tags: [String]
    /// Go's names: "arm", "arm64", "amd64".
    package var architecture: String
    /// Of "arm": "v6", "v7".
    package var variant: String?

    package init(tags: [String], architecture: String, variant: String? = nil) {
        self.tags = tags
        self.architecture = architecture
        self.variant = variant
    }

    /// "arm/v7"
    package var platform: String { architecture + (variant.map { "/" + $0 } ?? "") }

    private struct Manifest: Decodable {
        var Config: String
        var RepoTags: [String]?
    }

    private struct Configuration: Decodable {
        var architecture: String?
        var variant: String?
    }

    /// The images of an archive; `file` stands for it in messages.
    package static func list(_ contents: [UInt8], file: String) throws(Failure) -> [SavedImage] {
        let manifest = try ArchiveMembers.read(contents, name: file) { $0 == "manifest.json" }["manifest.json"]
        guard let manifest else {
            throw Failure(
                .corruptArchive, "\(file) is no archive of docker save: there is no manifest.json in it",
                hint: "docker export writes file systems, not images: use docker save")
        }
        guard let entries = try? JSONDecoder().decode([Manifest].self, from: Data(manifest)), !entries.isEmpty else {
            throw Failure(.corruptArchive, "\(file) is damaged: its manifest.json lists no images")
        }
        // A second pass: the configurations may stand before the manifest.
        let names = Set(entries.map(\.Config))
        let files = try ArchiveMembers.read(contents, name: file) { names.contains($0) }
        var images: [SavedImage] = []
        for entry in entries {
            guard let bytes = files[entry.Config],
                let configuration = try? JSONDecoder().decode(Configuration.self, from: Data(bytes)),
                let architecture = configuration.architecture
            else {
                throw Failure(.corruptArchive, "\(file) is damaged: \(entry.Config) tells no architecture")
            }
            let variant = configuration.variant.flatMap { $0.isEmpty ? nil : $0 }
            images.append(.init(tags: entry.RepoTags ?? [], architecture: architecture, variant: variant))
        }
        return images
    }
}
