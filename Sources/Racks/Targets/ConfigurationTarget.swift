package import Cards
package import Diagnostics
import Planning
package import SystemPackage

/// What can get new settings.
package enum ConfigurationTarget: Sendable {
    case device(DeviceFacts)
    case file(FilePath)
    /// A directory where a boot partition is mounted.
    case directory(FilePath)

    /// What is at `path` (absolute). A device is validated as for writing.
    package init(_ path: FilePath, chooser: CardChooser) throws(Failure) {
        switch try PathKind(of: path) {
        case .directory: self = .directory(path)
        case .file: self = .file(path)
        case .blockDevice:
            guard case .device(let facts) = try chooser.choose(path) else {
                throw Failure(.notATarget, severity: .refused, "\"\(path)\" is not a card")
            }
            self = .device(facts)
        }
    }

    package init(_ chosen: ChosenTarget) {
        switch chosen {
        case .device(let facts): self = .device(facts)
        case .file(let path, _): self = .file(path)
        }
    }

    var isDirectory: Bool { if case .directory = self { true } else { false } }

    package var path: FilePath {
        switch self {
        case .device(let facts): facts.path
        case .file(let path), .directory(let path): path
        }
    }
}
