import Diagnostics
import Host
import Images
import Planning
import Provisioning
import Recipes
import SystemPackage
import Text

/// Images that neither a recipe's `sha256` nor a checksum beside them vouches for.
extension CommandContext {
    /// A warning for each such image of `nodes`; `digest` gives the SHA-256 of a node's image, if it was read.
    func unpinnedImages(_ nodes: [Node], digest: (Node) -> String?) -> DiagnosticReport {
        var report = DiagnosticReport()
        var seen: Set<String> = []
        for node in nodes {
            guard let image = node.image, image.sha256 == nil, let digest = digest(node),
                PublishedChecksum.find(for: FilePath(image.source.value)) == nil,
                seen.insert(image.source.value).inserted
            else { continue }
            report.warning(
                at: image.source.location,
                "image.source: nothing says which SHA-256 this file should have; it has \(digest). If its vendor publishes "
                    + "the same: piflash image info --pin \(shellWord(image.source.location.file))")
        }
        return report
    }

    /// Writes the SHA-256 of the images of the recipe at `path` into the recipe files that name them.
    func pinImages(of path: String, events: @escaping @Sendable (ImageEvent) -> Void) throws {
        let planner = planner(reading: secrets)
        var pins: [Location: String] = [:]
        for node in try loadRack([path], requireImage: true).nodes {
            guard let image = node.image, image.sha256 == nil, pins[image.source.location] == nil else { continue }
            pins[image.source.location] =
                try planner.image(for: node, events: events, isCancelled: isCancelled).sourceDigest
        }
        guard !pins.isEmpty else { return console.output("\(path): every image has its sha256") }
        for (file, pins) in Dictionary(grouping: pins, by: \.key.file).sorted(by: { $0.key < $1.key }) {
            try pinImages(pins.sorted { $0.key.line > $1.key.line }, in: file, of: path)
        }
    }

    /// - Parameter pins: The last line first, so that the places of the others stay right.
    private func pinImages(_ pins: [(key: Location, value: String)], in file: String, of path: String) throws {
        let place = absolute(file).resolvingLinks ?? absolute(file)
        let byHand = Failure(
            .usage, severity: .failed, "\(file): image is written in a way that piflash does not change",
            hint: "write it there yourself: sha256: \(pins.first?.value ?? "")")
        guard let bytes = RecipeLoader.contents(of: place), var text = String(validating: bytes, as: UTF8.self) else {
            throw byHand
        }
        for (location, digest) in pins {
            guard let changed = ImagePin.adding(digest, to: text, at: location) else { throw byHand }
            text = changed
        }
        // The recipes must say just that of their images then.
        let changed = Array(text.utf8)
        let trial = RecipeLoader(user: user, workingDirectory: workingDirectory) { [place] in
            ($0.resolvingLinks ?? $0) == place ? changed : RecipeLoader.contents(of: $0)
        }
        let digests = Set(pins.map(\.value))
        guard let nodes = try? RecipeValidation.validate(trial.reading(of: [path])).nodes,
            nodes.filter({ pins.map(\.key).contains($0.image?.source.location) })
                .allSatisfy({ digests.contains($0.image?.sha256?.value ?? "") })
        else { throw byHand }
        try DurableFile.replace(place, with: changed, mode: UInt16(try place.stat().permissions.rawValue & 0o777))
        for (location, digest) in pins.reversed() { console.output("\(location.file): sha256: \(digest)") }
    }
}
