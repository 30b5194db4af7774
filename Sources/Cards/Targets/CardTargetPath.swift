import Text
package import Diagnostics
import Host
package import SystemPackage

/// The meaning of a target on the command line. Nothing is guessed: a block device is a device, a file must have a name
/// that ends in ".img", and no file is ever made under /dev.
package enum CardTargetPath: Hashable, Sendable {
    /// A block device, links resolved.
    case device(FilePath)
    /// A regular file to make or replace, links resolved.
    case file(FilePath)

    /// Finds out what `path` means; a relative path starts in the working directory.
    package init(_ path: FilePath) throws(Failure) {
        guard let resolved = Self.resolve(path) else {
            // Such a path may still lead into /dev through "..", where no file is made either.
            guard !Self.isSpecial(path.lexicallyNormalized()) else { throw Self.noDevice(path, exists: false) }
            throw Failure(
                .notATarget, severity: .refused, "there is no directory for \"\(path)\"",
                hint: "make its directory first, or name another one")
        }
        let type = try? resolved.stat(followTargetSymlink: false).type
        if type == .blockSpecial {
            self = .device(resolved)
            return
        }
        guard !Self.isSpecial(resolved), !Self.isSpecial(path) else { throw Self.noDevice(path, exists: type != nil) }
        let name = resolved.lastComponent?.string ?? ""
        guard type == nil || type == .regular, name.lowercased().ends(with: ".img"), name.count > 4 else {
            let instead = type == .directory ? "\(path)/card.img" : "\(path).img"
            throw Failure(
                .notATarget, severity: .refused, "\"\(path)\" is neither a card nor an image file",
                hint: "to write an image file, give it a name that ends in .img, such as \"\(instead)\"; "
                    + "`piflash devices` lists the cards")
        }
        // The card would replace the file that the link leads to, which may be anybody's idea.
        guard (try? path.stat(followTargetSymlink: false).type) != .symbolicLink else {
            throw Failure(
                .notATarget, severity: .refused, "\"\(path)\" is a link to \(resolved)", hint: "name the file itself")
        }
        self = .file(resolved)
    }

    private static func noDevice(_ path: FilePath, exists: Bool) -> Failure {
        if !exists, path.extension?.lowercased() == "img" {
            return Failure(
                .noSuchDevice, severity: .refused,
                "there is no device \(path), and piflash makes no image file under /dev, /proc or /sys",
                hint: "name an image file in another directory; `piflash devices` lists the cards")
        }
        return Failure(
            .noSuchDevice, severity: .refused,
            exists ? "\(path) is not a block device" : "there is no device \(path)",
            hint: "`piflash devices` lists the cards")
    }

    /// Whether the path is in one of the kernel's file systems: a file made there would be in RAM.
    private static func isSpecial(_ path: FilePath) -> Bool {
        ["/dev", "/proc", "/sys"].contains { path.starts(with: FilePath($0)) }
    }

    /// The path with all links resolved, even if its last component does not exist; nil if its directory does not.
    private static func resolve(_ path: FilePath) -> FilePath? {
        if let real = path.resolvingLinks { return real }
        let parent = path.removingLastComponent()
        guard let last = path.lastComponent, last.kind == .regular,
            let real = (parent.isEmpty ? "." : parent).resolvingLinks
        else { return nil }
        return real.appending(last)
    }
}

extension Failure.Code {
    package static let noSuchDevice = Failure.Code("cards.no-such-device")
    package static let notATarget = Failure.Code("cards.not-a-target")
}
