import Systems
import Text
package import Diagnostics
import Filesystems
import Host
package import Provisioning
package import SystemPackage

/// A provision as a tree of files: `boot/` is written to the card's boot partition, `root/` to its root partition, and `node/`
/// is written by the first boot.
package struct RenderedTree: Sendable {
    private struct File {
        let path: String
        let contents: [UInt8]
        let mode: UInt16
        let sensitive: Set<String>
        var owner: String?
    }

    private let files: [File]

    package init(_ provision: Provision) {
        files =
            provision.bootFiles.map {
                File(path: "boot/\($0.path)", contents: $0.contents, mode: 0o600, sensitive: $0.sensitive)
            }
            + provision.rootChanges.compactMap { change in
                switch change.edit.action {
                case .file(let contents, let mode):
                    File(path: "root\(change.edit.path)", contents: contents, mode: mode, sensitive: change.sensitive)
                case .symbolicLink(let target):
                    File(
                        path: "root\(change.edit.path)", contents: Array("-> \(target)\n".utf8), mode: 0o600,
                        sensitive: [])
                case .directory, .rename, .removal: nil
                }
            }
            + provision.nodeFiles.map {
                File(path: "node\($0.path)", contents: $0.contents, mode: $0.mode, sensitive: $0.sensitive)
            }
            + provision.installedFiles.map {
                File(
                    path: "node\($0.path)", contents: $0.contents, mode: $0.mode, sensitive: $0.sensitive,
                    owner: $0.owner)
            }
    }

    /// The paths in order, each with its size and, if `contents`, with its contents, in which secrets are masked.
    package func text(contents: Bool) -> String {
        files.sorted { $0.path < $1.path }.map { file in
            let owner = file.owner.map { ", \($0)" } ?? ""
            let head = "\(file.path)  (\(formatBytes(Int64(file.contents.count)))\(owner))"
            guard contents else { return head }
            let body = MaskedText.mask(String(decoding: file.contents, as: UTF8.self), file.sensitive)
            return head + "\n"
                + body.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)" }
                .joined(separator: "\n")
        }.joined(separator: "\n")
    }

    /// Writes the files below `directory`, which must not exist yet, and returns their number. Only their owner can read
    /// them.
    package func write(into directory: FilePath) throws(Failure) -> Int {
        if (try? directory.stat()) != nil {
            throw Failure(
                .directoryExists, severity: .usage, "\"\(directory)\" exists already",
                hint: "name a new directory, so that none of your files is overwritten")
        }
        let top = try PrivateDirectory.make(directory, for: .output(mode: 0o700))
        for file in files {
            let parts = file.path.split(at: "/").map(String.init)
            guard let name = parts.last else { continue }
            var place = top
            for part in parts.dropLast() { place = try place.makeDirectory(part) }
            try place.replace(name, with: file.contents, mode: file.mode & 0o700)
        }
        return files.count
    }
}

extension Failure.Code {
    package static let directoryExists = Failure.Code("fleet.directory-exists")
}
