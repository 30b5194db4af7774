import Recipes
import Text

/// The recipe's files that belong to somebody else than root, or are below a home. The system's own first boot cannot write
/// them: it would make a home of root's before it makes the user. So they are on the node in a directory of root's, with a
/// list, until the first-boot program installs them (files.sh).
struct StagedFiles: Hashable, Sendable {
    static let directory = "/etc/piflash/files.d"
    /// A line for each file: name in ``directory``, owner, group, mode, path, with tabs between.
    static let listPath = "/etc/piflash/files"

    struct Entry: Hashable, Sendable {
        /// The file at its place on the node.
        let file: Provision.NodeFile
        /// A name or a number.
        let owner: String
        /// A name or a number; nil for the owner's own.
        let group: String?

        private var mode: String { String(file.mode, radix: 8) }

        /// A digest of the path, and one of everything, which changes exactly if the file has to be installed again.
        var name: String {
            let path = Array(file.path.utf8)
            let all = Text.digest(of: [path, file.contents] + [owner, group ?? "", mode].map { Array($0.utf8) })
            return "\(Text.digest(of: [path]))-\(all)"
        }

        var line: String { [name, owner, group ?? "-", mode, file.path].joined(separator: "\t") + "\n" }
    }

    let entries: [Entry]

    /// Changes exactly if a file does; empty if there is none.
    var digest: String { entries.isEmpty ? "" : Text.digest(of: [Array(list.utf8)]) }

    private var list: String { entries.map(\.line).joined() }

    /// The list and the files, as they wait on the node.
    var nodeFiles: [Provision.NodeFile] {
        guard !entries.isEmpty else { return [] }
        return [.init(path: Self.listPath, contents: Array(list.utf8), mode: 0o600)]
            + entries.map {
                .init(
                    path: "\(Self.directory)/\($0.name)", contents: $0.file.contents, mode: 0o600,
                    sensitive: $0.file.sensitive)
            }
    }

    /// The files at their places, for people.
    var installed: [Provision.NodeFile] {
        entries.map { entry in
            var file = entry.file
            file.owner = "\(entry.owner):\(entry.group ?? "")"
            return file
        }
    }
}
