public import Diagnostics
public import Filesystems

extension RootSnapshot {
    /// Reads the snapshot of a root partition.
    public init(of volume: Ext4Volume) throws(Failure) {
        try self.init(
            obstacle: volume.obstacle?.message,
            entry: { path throws(Failure) in
                guard let entry = try volume.entry(at: path) else { return nil }
                let kind: Kind
                switch entry.kind {
                case .file: kind = .file(contents: nil)
                case .directory: kind = .directory
                case .symbolicLink(let target): kind = .symbolicLink(target: target)
                case .other: return nil
                }
                let found = Entry(
                    kind, mode: entry.mode, user: entry.user, group: entry.group, modified: entry.modified)
                return (found, entry.size)
            },
            read: { path throws(Failure) in try volume.read(path) })
    }
}
