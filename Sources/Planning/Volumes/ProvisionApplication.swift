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
        try provision.checkSecretsAreRead()
        return try put(provision)
    }

    /// The same, also of a provision with placeholders: to a copy that never becomes a card.
    mutating func put(_ provision: Provision) throws -> [String] {
        try putFiles(of: provision) + putRecord(of: provision) + endEdit()
    }
}

/// The steps of an edit of a written card. After each of them, all is on the medium before the next one begins.
extension WritableFileTree {
    /// Notes on the card that an edit to `provision` begins.
    package mutating func beginEdit(to provision: Provision) throws {
        guard let file = provision.bootFiles.first(where: { $0.path == CardRecord.path }) else { return }
        var record = try CardRecord(decoding: file.contents)
        // What an earlier edit that was not finished has put there must not be forgotten.
        if let earlier = try read(UnfinishedEdit.path).flatMap({ try? CardRecord(decoding: $0) }) {
            record = record.including(earlier)
        }
        try write(record.encoded, to: UnfinishedEdit.path)
    }

    /// Puts all files on the card except its record.
    package mutating func putFiles(of provision: Provision) throws -> [String] {
        var changed: [String] = []
        for path in provision.removedBootFiles where try read(path) != nil {
            try remove(path)
            changed.append(path)
        }
        return try changed + write(provision.bootFiles.filter { $0.path != CardRecord.path })
    }

    /// Puts the card's record on it.
    package mutating func putRecord(of provision: Provision) throws -> [String] {
        try write(provision.bootFiles.filter { $0.path == CardRecord.path })
    }

    /// Takes away what ``beginEdit(to:)`` noted.
    package mutating func endEdit() throws -> [String] {
        guard try read(UnfinishedEdit.path) != nil else { return [] }
        try remove(UnfinishedEdit.path)
        return [UnfinishedEdit.path]
    }

    private mutating func write(_ files: [Provision.BootFile]) throws -> [String] {
        var changed: [String] = []
        for file in files where try read(file.path) != file.contents {
            try write(file.contents, to: file.path)
            changed.append(file.path)
        }
        return changed
    }
}

extension Provision {
    /// Throws if it holds placeholders, which must not get on a card.
    package func checkSecretsAreRead() throws(Failure) {
        guard !hasPlaceholders else {
            throw Failure(.unreadSecrets, "the provision holds placeholders for secrets that were not read")
        }
    }
}

extension FileTree {
    /// The paths that `provision` would change.
    package func differences(from provision: Provision) throws -> [String] {
        let removed = try (provision.removedBootFiles + [UnfinishedEdit.path]).filter { try read($0) != nil }
        return try removed + provision.bootFiles.filter { try read($0.path) != $0.contents }.map(\.path)
    }
}

extension Failure.Code {
    package static let unreadSecrets = Failure.Code("fleet.unread-secrets")
}
