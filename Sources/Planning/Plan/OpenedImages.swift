import Diagnostics
package import Images
package import Recipes
import SystemPackage

/// The images of a rack's nodes, each opened once (and unpacked first, if it is not in the cache).
package struct OpenedImages {
    private let planner: CardPlanner
    private let events: @Sendable (ImageEvent) -> Void
    private let isCancelled: @Sendable () -> Bool
    private var opened: [Node.Image: Opened] = [:]

    package struct Opened: Sendable {
        package let image: Image
        package let facts: CardPlanner.ImageFacts
    }

    package init(
        _ planner: CardPlanner, events: @escaping @Sendable (ImageEvent) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) {
        self.planner = planner
        self.events = events
        self.isCancelled = isCancelled
    }

    /// The image of `node`. Throws a `DiagnosticReport` if its recipe names none, a `Failure` if it cannot be opened.
    package mutating func image(of node: Node) throws -> Opened {
        let key = try planner.named(by: node).located
        if let known = opened[key] { return known }
        let image = try planner.image(for: node, events: events, isCancelled: isCancelled)
        let new = Opened(image: image, facts: try planner.known(image))
        opened[key] = new
        return new
    }
}

extension Node.Image {
    /// What the recipe requires of the image, or else a checksum that its vendor publishes and that is beside it.
    var requiredSHA256: String? { sha256?.value ?? PublishedChecksum.find(for: FilePath(source.value)) }

    /// The same image, without the place where a recipe names it.
    fileprivate var located: Node.Image {
        let nowhere = Location(file: "", line: 0, column: 0)
        return Node.Image(
            source: Located(source.value, at: nowhere), sha256: sha256.map { Located($0.value, at: nowhere) })
    }
}
