import Systems
import Text
package import Diagnostics
package import Filesystems
package import Host
package import Provisioning
package import SystemPackage

/// A provision as a tree of files: `boot/` is what the card's boot partition gets, `root/` what is laid down in its root
/// partition, `node/` what the first boot writes.
package struct RenderedTree: Sendable {
    private struct File {
        let path: String
        let contents: [UInt8]
        let mode: UInt16
        let sensitive: Set<String>
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
    }

    /// The paths in order, each with its size or, on wish, its contents with what is secret masked.
    package func text(contents: Bool) -> String {
        files.sorted { $0.path < $1.path }.map { file in
            let head = "\(file.path)  (\(formatBytes(Int64(file.contents.count))))"
            guard contents else { return head }
            let body = Masking.mask(String(decoding: file.contents, as: UTF8.self), file.sensitive)
            return head + "\n"
                + body.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)" }
                .joined(separator: "\n")
        }.joined(separator: "\n")
    }

    /// Writes the files below `directory`, which must not exist yet, and returns their number. Only their owner can
    /// read them.
    package func write(into directory: FilePath, user: InvokingUser) throws(Failure) -> Int {
        if (try? directory.stat()) != nil {
            throw Failure(
                .directoryExists, severity: .usage, "\"\(directory)\" exists already",
                hint: "name a new directory, so that nothing of yours is overwritten")
        }
        for file in files {
            let path = directory.appending(
                file.path.split(separator: "/").map { FilePath.Component(String($0)) }.compactMap { $0 })
            try user.makeDirectories(path.removingLastComponent(), mode: 0o700)
            try user.replaceFile(path, with: file.contents, mode: file.mode & 0o700)
        }
        return files.count
    }
}

/// Hides what must not be shown.
enum Masking {
    static func mask(_ text: String, _ sensitive: Set<String>) -> String {
        // Longest first: one secret may be a part of another.
        sensitive.sorted { ($1.count, $0) < ($0.count, $1) }.filter { !$0.isEmpty }.reduce(text) { masked, secret in
            replace(secret, in: masked, with: "********")
        }
    }

    /// What looks like a secret in a file that an earlier recipe has left on a card, since nobody has noted which were in
    /// it: hashes of passwords, join tokens, keys of networks, and base64, in which there may be any of them. Public keys
    /// of SSH start with AAAA and may be seen.
    static func likely(in text: String) -> Set<String> {
        let hashes = text.matches(of: /\$(?:[0-9a-z]{1,6})\$[.\/A-Za-z0-9,=+$-]{8,}/).map { String($0.0) }
        let tokens = text.matches(of: /SWMTKN-[0-9A-Za-z-]+/).map { String($0.0) }
        let encoded = text.matches(of: /[A-Za-z0-9+\/]{32,}={0,2}/).map { String($0.0) }
        return Set(hashes + tokens + encoded.filter { !$0.hasPrefix("AAAA") })
    }

    private static func replace(_ needle: String, in text: String, with other: String) -> String {
        let hay = Array(text.utf8)
        let wanted = Array(needle.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < hay.count {
            if hay[index] == wanted[0], hay[index...].starts(with: wanted) {
                result += Array(other.utf8)
                index += wanted.count
            } else {
                result.append(hay[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

extension Reconfiguration {
    /// The lines of a boot file that would change, with secrets masked.
    package func differenceText(of path: String, on files: any FileTree) throws -> String {
        let planned = provision.bootFiles.first { $0.path == path }
        let sensitive = planned?.sensitive ?? []
        let old = try files.read(path).map { String(decoding: $0, as: UTF8.self) }
        let new = planned.map { String(decoding: $0.contents, as: UTF8.self) }
        let head = "--- \(old == nil ? "(none)" : "card: \(path)")\n+++ \(new == nil ? "(none)" : "recipe: \(path)")\n"
        // The record holds digests, and no secrets.
        let likely = path == CardRecord.path ? [] : Masking.likely(in: old ?? "").filter { new?.contains($0) != true }
        let difference = TextDifference(
            from: Masking.mask(old ?? "", sensitive.union(likely)), to: Masking.mask(new ?? "", sensitive))
        return head + (difference.isEmpty ? " (only secrets differ)" : difference.text())
    }
}

extension Failure.Code {
    package static let directoryExists = Failure.Code("fleet.directory-exists")
}
