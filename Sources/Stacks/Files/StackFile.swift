import Diagnostics
import FoundationEssentials
import Host
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// A file beside a compose file that the stack needs on the node.
package struct StackFile: Hashable, Sendable {
    /// What docker does with the file.
    package enum Use: String, Sendable {
        case config, secret
        case environment = "env_file"

        /// In bytes (swarmkit, manager/controlapi); files of variables are not limited by Docker.
        var limit: Int { self == .secret ? 500 << 10 : 1000 << 10 }
    }

    /// Relative to the compose file, without "." and "..".
    package let path: String
    package let contents: [UInt8]
    /// Whether nobody but root on the node may see it, and the node deletes it as soon as the stack runs.
    package let isSecret: Bool

    /// Reads the file that a compose file in `directory` names.
    ///
    /// A compose file may come from a stranger: what it names must be inside its own directory, also behind links, so that
    /// it cannot bring other files of this machine to a card.
    init(_ name: String, of directory: FilePath, use: Use) throws(Problem) {
        let relative = FilePath(name).lexicallyNormalized()
        guard !relative.isAbsolute, !relative.components.contains(where: { $0.kind == .parentDirectory }),
            !relative.isEmpty
        else {
            throw Problem(
                "\(name) is outside of the compose file's directory, from which files are carried: copy it there")
        }
        let full = directory.pushing(relative)
        var isDirectory = false
        guard FileManager.default.fileExists(atPath: full.string, isDirectory: &isDirectory) else {
            throw Problem("there is no file \(full)")
        }
        if isDirectory { throw Problem("\(full) is a directory: name a file") }
        let base = Self.resolved(directory)
        guard let place = Self.resolved(full), let base, place.starts(with: base) else {
            throw Problem("\(name) is a link to a file outside of the compose file's directory: copy the file there")
        }
        var contents: [UInt8]?
        do throws(Failure) {
            contents = try DurableFile.read(full, limit: use.limit, kind: .regular)
        } catch {
            throw Problem(error.message)
        }
        guard let contents else { throw Problem("there is no file \(full)") }
        if contents.isEmpty, use != .environment {
            throw Problem("\(full) is empty, and Docker refuses an empty \(use.rawValue)")
        }
        (path, self.contents, isSecret) = (relative.string, contents, use != .config)
    }

    /// A file in memory.
    package init(path: String, contents: [UInt8], isSecret: Bool) {
        (self.path, self.contents, self.isSecret) = (path, contents, isSecret)
    }

    /// The same file, which is also used as a secret.
    var asSecret: StackFile { StackFile(path: path, contents: contents, isSecret: true) }

    /// The path without links; nil if there is nothing.
    private static func resolved(_ path: FilePath) -> FilePath? {
        guard let text = path.withPlatformString({ realpath($0, nil) }) else { return nil }
        defer { free(text) }
        return FilePath(platformString: text)
    }

    struct Problem: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }
}
