package import Diagnostics
import Text

extension Failure.Code {
    /// A file system that piflash does not edit.
    package static let unsupportedFilesystem = Failure.Code("filesystems.unsupported")
    /// Structures of a file system that contradict each other.
    package static let damagedFilesystem = Failure.Code("filesystems.damaged")
    /// A file system whose superblock or record of what is free is wrong: it must not be edited, and nothing good comes of
    /// a card with it.
    package static let inconsistentFilesystem = Failure.Code("filesystems.inconsistent")
    /// No room for what should be written.
    package static let filesystemFull = Failure.Code("filesystems.full")
    /// A file system that was not unmounted cleanly.
    package static let dirtyFilesystem = Failure.Code("filesystems.dirty")
    /// A file name that the file system cannot hold.
    package static let badFileName = Failure.Code("filesystems.bad-name")
}

extension Failure {
    /// The message without the name of the file system in front.
    func reason(in name: String) -> String {
        let prefix = "\(name): "
        return message.begins(with: prefix) ? String(Substring(message.utf8.dropFirst(prefix.utf8.count))) : message
    }
}
