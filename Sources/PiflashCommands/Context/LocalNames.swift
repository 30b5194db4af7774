import Images
import Planning
import Provisioning
import Recipes
import SystemPackage
import Systems

/// Which nodes answer to NAME.local, as far as their recipes and images show.
struct LocalNames {
    private let cache: ImageCache
    /// By the image's path.
    private var known: [String: Bool?] = [:]
    /// The nodes of which neither says it, in the order in which they were asked.
    private(set) var unknown: [String] = []

    init(cache: ImageCache) { self.cache = cache }

    /// True, too, if nothing says otherwise: then the node is in ``unknown``.
    mutating func answer(for node: Node) -> Bool {
        if !node.addresses.isEmpty || node.installsMulticastDNS { return true }
        if let answer = answer(ofImage: node.image?.source.value) { return answer }
        unknown.append(node.hostname.value)
        return true
    }

    private mutating func answer(ofImage path: String?) -> Bool? {
        guard let path else { return nil }
        if let answer = known[path] { return answer }
        let image = InspectedImage(knownAt: FilePath(path), cache: cache)
        let answer = image.map { $0.profile.answersLocalNames($0.root.snapshot) }
        known[path] = .some(answer)
        return answer
    }
}

extension CommandContext {
    var localNames: LocalNames { LocalNames(cache: ImageCache(directories: directories)) }

    /// Says that NAME.local is a guess for the nodes of which `names` does not know it.
    func report(_ names: LocalNames) {
        guard let first = names.unknown.first else { return }
        let others = names.unknown.count == 1 ? "" : " and \(names.unknown.count - 1) more"
        console.note(
            "piflash: \(first).local\(others): this works if the image has avahi-daemon; its recipe does not add it, and the "
                + "image was not read")
    }
}
