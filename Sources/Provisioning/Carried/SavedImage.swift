package import Diagnostics
import FoundationEssentials

/// A container image in an archive that `docker save` wrote.
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

    /// The list of images in an archive of `docker save`, its file `manifest.json`: each image with the name of the file
    /// that holds its configuration. <https://github.com/moby/docker-image-spec/blob/main/spec.md>
    package struct Manifest {
        package static let name = "manifest.json"

        private struct Entry: Decodable {
            var Config: String
            var RepoTags: [String]?
        }

        private struct Configuration: Decodable {
            var architecture: String?
            var variant: String?
        }

        private let entries: [Entry]
        private let file: String

        /// Reads `contents`; messages call the archive `file`.
        package init(_ contents: [UInt8], file: String) throws(Failure) {
            guard let entries = try? JSONDecoder().decode([Entry].self, from: Data(contents)), !entries.isEmpty else {
                throw Failure(.damagedPayload, "\(file) is damaged: its \(Self.name) lists no images")
            }
            self.entries = entries
            self.file = file
        }

        /// The names of the files in the archive that ``images(_:)`` needs.
        package var configurations: Set<String> { Set(entries.map(\.Config)) }

        /// The images, by the contents of the archive's ``configurations``.
        package func images(_ files: [String: [UInt8]]) throws(Failure) -> [SavedImage] {
            var images: [SavedImage] = []
            for entry in entries {
                guard let bytes = files[entry.Config],
                    let configuration = try? JSONDecoder().decode(Configuration.self, from: Data(bytes)),
                    let architecture = configuration.architecture
                else {
                    throw Failure(.damagedPayload, "\(file) is damaged: \(entry.Config) names no architecture")
                }
                let variant = configuration.variant.flatMap { $0.isEmpty ? nil : $0 }
                images.append(.init(tags: entry.RepoTags ?? [], architecture: architecture, variant: variant))
            }
            return images
        }
    }
}
