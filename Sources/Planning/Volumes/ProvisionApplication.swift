import Systems
package import Diagnostics
package import Filesystems
package import Provisioning

extension WritableFileTree {
    /// Writes the files of a provision to a boot partition and returns the paths that changed.
    ///
    /// Files that already have the wanted contents are not written, so that applying a provision twice changes nothing. The
    /// card's record is written last: it describes only what is on the card.
    package mutating func apply(_ provision: Provision) throws -> [String] {
        guard !provision.hasPlaceholders else {
            throw Failure(.unreadSecrets, "the provision holds placeholders for secrets that were not read")
        }
        return try put(provision)
    }

    /// The same, also of a provision with placeholders: to a copy that never becomes a card.
    mutating func put(_ provision: Provision) throws -> [String] {
        var changed: [String] = []
        for path in provision.removedBootFiles where try read(path) != nil {
            try remove(path)
            changed.append(path)
        }
        let record = provision.bootFiles.filter { $0.path == CardRecord.path }
        for file in provision.bootFiles.filter({ $0.path != CardRecord.path }) + record
        where try read(file.path) != file.contents {
            try write(file.contents, to: file.path)
            changed.append(file.path)
        }
        return changed
    }
}

extension FileTree {
    /// The paths that `provision` would change.
    package func differences(from provision: Provision) throws -> [String] {
        let removed = try provision.removedBootFiles.filter { try read($0) != nil }
        return try removed + provision.bootFiles.filter { try read($0.path) != $0.contents }.map(\.path)
    }
}

extension Failure.Code {
    package static let unreadSecrets = Failure.Code("fleet.unread-secrets")
}
