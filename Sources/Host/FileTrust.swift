package import Diagnostics
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Whether a file or directory of piflash's own can only have been made and changed by the user: the rule that OpenSSH
/// has for its keys. It is asked of an open descriptor, so that the answer is about what is read or written then.
enum FileTrust {
    enum Kind {
        case directory
        /// A file that nobody else may even read.
        case key
        /// Any other file.
        case record
    }

    /// Throws a refusal if `status`, of what is open at `path`, belongs to somebody else, or if others may change it,
    /// or read it if it is a key.
    ///
    /// Root's files count as the user's own: root can change the user's as well.
    static func check(_ status: Stat, _ kind: Kind, at path: FilePath) throws(Failure) {
        let isRight = kind == .directory ? status.type == .directory : status.type == .regular
        guard isRight else { throw .misplaced(path, status.type, isDirectory: kind == .directory) }
        let owner = status.userID.rawValue
        guard owner == geteuid() || owner == 0 else {
            throw .untrusted(
                "\(path) belongs to \(name(of: owner)), who can change what is in it",
                hint: "delete it if you do not know it; if it is right, make it yours: sudo chown -R $USER '\(path)'")
        }
        let mode = status.permissions.rawValue
        let octal = String(mode & 0o7777, radix: 8)
        guard mode & 0o022 == 0 else {
            throw .untrusted(
                "\(path) has mode \(octal): others may write to it",
                hint: "if nobody else has changed it: chmod go= '\(path)'; otherwise delete it")
        }
        guard kind != .key || mode & 0o077 == 0 else {
            throw .untrusted(
                "\(path) is a key and has mode \(octal): others may read it",
                hint: "if nobody else has read it: chmod 600 '\(path)'; otherwise make a new one")
        }
    }

    private static func name(of user: UInt32) -> String { Account(user: user)?.name ?? "user \(user)" }
}

extension Failure {
    static func untrusted(_ message: String, hint: String) -> Failure {
        Failure(.untrusted, severity: .refused, message, hint: hint)
    }

    /// There is something at `path`, but not what belongs there. A directory is only in the way; the rest leads somewhere.
    static func misplaced(_ path: FilePath, _ type: FileType, isDirectory: Bool) -> Failure {
        let found =
            switch type {
            case .symbolicLink: "a symbolic link"
            case .directory: "a directory"
            case .fifo: "a FIFO"
            case .socket: "a socket"
            case .regular: "a file"
            default: "a device"
            }
        return Failure(
            .untrusted, severity: type == .directory ? .failed : .refused,
            "\(path) is \(found), not \(isDirectory ? "a directory" : "a regular file")",
            hint: "remove it: piflash follows no links there and makes a new \(isDirectory ? "directory" : "file")")
    }
}

extension Failure.Code {
    /// A file or directory that others than the user can have made or changed.
    package static let untrusted = Failure.Code("host.untrusted")
}
