import Host
package import Diagnostics
import Storage
package import SystemPackage

/// A boot partition that the user has mounted, through its directory.
///
/// Names are found without regard to case, as the mounted FAT finds them. Links inside are never followed: FAT has
/// none, so one would lead out of the tree. Only the directory that the user names may itself be a link.
package struct MountedDirectory: WritableFileTree {
    package let path: FilePath

    /// The name of a file that is being written; one that a power cut left is overwritten.
    private static let unfinished = ".piflash-unfinished"

    package init(_ path: FilePath) throws(Failure) {
        let type: FileType
        do { type = try path.stat().type } catch { throw .system("opening \(path)", error) }
        guard type == .directory else {
            throw Failure(.notADirectory, severity: .usage, "\"\(path)\" is not a directory")
        }
        self.path = path
    }

    package var name: String { path.string }

    /// The label that udev noted for the mounted partition; nil if there is no udev, or no label.
    package var label: String? {
        guard let status = try? path.stat() else { return nil }
        return VolumeLabels.label(ofDevice: UInt64(status.deviceID.rawValue))
    }

    package func list(_ path: String) throws(Failure) -> [FileEntry]? {
        guard let directory = try directory(at: FATReader.components(path)) else { return nil }
        var entries: [FileEntry] = []
        for name in try directory.names() {
            guard let status = try directory.status(of: name) else { continue }
            switch status.type {
            case .directory: entries.append(FileEntry(name: name, isDirectory: true, size: 0))
            case .regular: entries.append(FileEntry(name: name, isDirectory: false, size: status.size))
            default: continue
            }
        }
        return entries
    }

    package func read(_ path: String) throws(Failure) -> [UInt8]? {
        let parts = FATReader.components(path)
        guard let last = parts.last, let directory = try directory(at: parts.dropLast()),
            let name = try directory.find(last), try directory.status(of: name)?.type == .regular
        else { return nil }
        return try directory.contents(of: name)
    }

    /// Creates or replaces the file at `path`, by a new file that takes the old one's place when it is complete and on
    /// the medium. A file that has these contents already is left alone, with its time.
    package mutating func write(_ contents: [UInt8], to path: String) throws(Failure) {
        let parts = try LongName.checkedComponents(path)
        guard let last = parts.last else { throw Failure(.badFileName, "the path is empty") }
        if try read(path) == contents { return }
        var directory = try OpenDirectory(path: self.path)
        for part in parts.dropLast() {
            if let name = try directory.find(part) {
                guard let next = try directory.directory(name) else {
                    throw Failure(.notADirectory, "\"\(directory.path.appending(name))\" is not a directory")
                }
                directory = next
            } else {
                directory = try directory.makeDirectory(part)
            }
        }
        let target = try directory.find(last) ?? last
        let type = try directory.status(of: target)?.type
        guard type == nil || type == .regular else {
            throw Failure(.badFileName, "\"\(directory.path.appending(target))\" is not a regular file")
        }
        try directory.replace(target, with: contents, by: Self.unfinished)
    }

    /// Deletes the file or the empty directory at `path`; it is not an error if there is none.
    package mutating func remove(_ path: String) throws(Failure) {
        let parts = FATReader.components(path)
        guard let last = parts.last, let directory = try directory(at: parts.dropLast()),
            let name = try directory.find(last), let type = try directory.status(of: name)?.type
        else { return }
        try directory.remove(name, isDirectory: type == .directory)
    }

    private func directory(at parts: ArraySlice<String>) throws(Failure) -> OpenDirectory? {
        var directory = try OpenDirectory(path: path)
        for part in parts {
            guard let name = try directory.find(part), let next = try directory.directory(name) else { return nil }
            directory = next
        }
        return directory
    }
}

extension Failure.Code {
    package static let notADirectory = Failure.Code("filesystems.not-a-directory")
}
