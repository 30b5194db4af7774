package import Diagnostics
import Storage
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// What the target on a command line means. A name is never guessed: a block device is a device, a file is a file only
/// when it says so by ending in ".img", and nothing under /dev ever becomes a file.
package enum CardTargetPath: Hashable, Sendable {
    /// A block device, links resolved.
    case device(FilePath)
    /// A plain file, to be made or replaced, links resolved.
    case file(FilePath)

    /// Judges `path`; a relative one stands in the working directory.
    package init(_ path: FilePath) throws(Failure) {
        guard let resolved = Self.resolve(path) else {
            // An unresolved path may still lead into /dev by way of "..", but no file can be made there either.
            guard !Self.isSpecial(path.lexicallyNormalized()) else { throw Self.noDevice(path, exists: false) }
            throw Failure(
                .notATarget, severity: .refused, "there is no directory for \"\(path)\"",
                hint: "make its directory first, or name another place")
        }
        let type = try? resolved.stat(followTargetSymlink: false).type
        if type == .blockSpecial {
            self = .device(resolved)
            return
        }
        guard !Self.isSpecial(resolved), !Self.isSpecial(path) else { throw Self.noDevice(path, exists: type != nil) }
        let name = resolved.lastComponent?.string ?? ""
        guard type == nil || type == .regular, name.lowercased().hasSuffix(".img"), name.count > 4 else {
            let instead = type == .directory ? "\(path)/card.img" : "\(path).img"
            throw Failure(
                .notATarget, severity: .refused, "\"\(path)\" is neither a card nor an image file",
                hint: "to write an image file name it so that it ends in .img, such as \"\(instead)\"; "
                    + "`piflash devices` lists the cards")
        }
        self = .file(resolved)
    }

    private static func noDevice(_ path: FilePath, exists: Bool) -> Failure {
        if !exists, path.extension?.lowercased() == "img" {
            return Failure(
                .noSuchDevice, severity: .refused,
                "there is no device \(path), and no image file is made under /dev, /proc or /sys",
                hint: "name an image file in another directory; `piflash devices` lists the cards that are there")
        }
        return Failure(
            .noSuchDevice, severity: .refused,
            exists ? "\(path) is no block device" : "there is no device \(path)",
            hint: "`piflash devices` lists the cards that are there")
    }

    /// Where the kernel's file systems are: a file made there would live in RAM.
    private static func isSpecial(_ path: FilePath) -> Bool {
        ["/dev", "/proc", "/sys"].contains { path.starts(with: FilePath($0)) }
    }

    /// The path with all links resolved, also when its last component does not exist; nil when its directory does not.
    private static func resolve(_ path: FilePath) -> FilePath? {
        if let real = realPath(path) { return real }
        let parent = path.removingLastComponent()
        guard let last = path.lastComponent, last.kind == .regular, let real = realPath(parent.isEmpty ? "." : parent)
        else { return nil }
        return real.appending(last)
    }

    private static func realPath(_ path: FilePath) -> FilePath? {
        guard let real = path.withPlatformString({ realpath($0, nil) }) else { return nil }
        defer { free(real) }
        return FilePath(platformString: real)
    }
}

extension Failure.Code {
    package static let noSuchDevice = Failure.Code("cards.no-such-device")
    package static let notATarget = Failure.Code("cards.not-a-target")
}
