package import Recipes
import Cards
package import SystemPackage

/// A card that is being worked on, as its observers see it.
package struct RunningCard: Sendable {
    package let node: Node
    /// The device, the file, or the directory where its boot partition is mounted.
    package let path: FilePath
    /// SHA-256 of the unpacked image; nil while that is not known.
    package internal(set) var image: String?
    /// See ``ConfigurationDigest``.
    package let configuration: String
    /// See ``SecretsDigest``; nil if the node's secrets were not read.
    package let secrets: String?
    package internal(set) var identity: CardIdentity
}

extension CardIdentity {
    /// Of a file or a directory nothing is known.
    init(of target: ConfigurationTarget) {
        if case .device(let facts) = target { self.init(of: facts) } else { self.init() }
    }
}
