public import Diagnostics
import FoundationEssentials
import Storage
public import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// What the target on a command line means. A name is never guessed: a block device is a device, a file is a file only
/// when it says so by ending in ".img", and nothing under /dev ever becomes a file.
public enum CardTargetPath: Hashable, Sendable {
    /// A block device, links resolved.
    case device(FilePath)
    /// A plain file, to be made or replaced.
    case file(FilePath)

    /// `path` must be absolute.
    public init(_ path: FilePath) throws(Failure) {
        let resolved = Self.resolve(path)
        let type = try? resolved.stat().type
        if type == .blockSpecial {
            self = .device(resolved)
            return
        }
        guard !Self.isSpecial(resolved) else {
            throw Failure(
                .noSuchDevice, severity: .refused,
                type == nil ? "there is no device \(path)" : "\(path) is no block device",
                hint: "`piflash devices` lists the cards that are there")
        }
        guard type == nil || type == .regular, path.lastComponent?.string.lowercased().hasSuffix(".img") == true else {
            throw Failure(
                .notATarget, severity: .refused, "\"\(path)\" is neither a card nor an image file",
                hint: "name a card's device, or a file that ends in .img; `piflash devices` lists the cards")
        }
        self = .file(path)
    }

    /// Where the kernel's file systems are: a file made there would live in RAM.
    private static func isSpecial(_ path: FilePath) -> Bool {
        ["/dev", "/proc", "/sys"].contains { path.starts(with: FilePath($0)) }
    }

    /// The path with all links resolved, also when its last component does not exist.
    private static func resolve(_ path: FilePath) -> FilePath {
        if let real = path.withPlatformString({ realpath($0, nil) }) {
            defer { free(real) }
            return FilePath(platformString: real)
        }
        guard let last = path.lastComponent,
            let parent = path.removingLastComponent().withPlatformString({ realpath($0, nil) })
        else { return path }
        defer { free(parent) }
        return FilePath(platformString: parent).appending(last)
    }
}

extension Failure.Code {
    public static let noSuchDevice = Failure.Code("cards.no-such-device")
    public static let notATarget = Failure.Code("cards.not-a-target")
}
