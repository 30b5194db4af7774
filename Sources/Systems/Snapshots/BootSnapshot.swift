import Text
package import Diagnostics
package import Filesystems

/// The parts of a boot partition that detection and rendering need: its label, the names in its root, and the contents
/// of the small files that first-boot mechanisms read. A value, so that these stages do no I/O.
package struct BootSnapshot: Hashable, Sendable {
    /// The files whose contents are kept if they exist and are not larger than ``limit``.
    package static let kept = [
        BootPath.commandLine, BootPath.currentCommandLine, BootPath.configuration, BootPath.osRelease, BootPath.issue,
        BootPath.readme, BootPath.metaData, BootPath.fakeClock, BootPath.dietPi, BootPath.cardRecord,
        BootPath.unfinishedRecord,
    ]
    /// In bytes: larger than any configuration file, smaller than a kernel.
    package static let limit: Int64 = 1 << 20

    package var label: String?
    /// The names in the root directory, in their own case; directories end in "/".
    package var names: Set<String>
    package var files: [String: [UInt8]]

    package init(label: String? = nil, names: Set<String> = [], files: [String: [UInt8]] = [:]) {
        self.label = label
        self.names = names
        self.files = files
    }

    /// Reads the snapshot of a boot partition.
    package init(of tree: any FileTree) throws(Failure) {
        let root = try tree.list("") ?? []
        label = tree.label
        names = Set(root.map { $0.isDirectory ? $0.name + "/" : $0.name })
        files = [:]
        for path in Self.kept {
            let parts = path.split(at: "/")
            let directory = parts.dropLast().joined(separator: "/")
            let entries = directory.isEmpty ? root : try tree.list(directory) ?? []
            guard let last = parts.last,
                let entry = entries.first(where: { $0.name.lowercased() == last.lowercased() }),
                !entry.isDirectory, entry.size <= Self.limit
            else { continue }
            files[path] = try tree.read(path)
        }
    }

    /// The contents of a file of ``kept``; nil if it does not exist. Other files are not in the snapshot, whether they
    /// exist or not: asking for one is a mistake, which debug builds stop at.
    package func contents(_ path: String) -> [UInt8]? {
        assert(Self.kept.contains(path), "the contents of \(path) are not in the snapshot: see BootSnapshot.kept")
        return files[path]
    }

    /// The text of a file of ``kept``. Bytes that are not UTF-8 are replaced, since a Pi's own tools accept them.
    package func text(_ path: String) -> String? { contents(path).map { String(decoding: $0, as: UTF8.self) } }

    /// Whether the root directory contains `name` (a directory if it ends in "/"), in any case.
    package func has(_ name: String) -> Bool {
        assert(
            !name.dropLast().contains(scalar: "/"),
            "\(name) is not in the root directory, of which alone the names are known")
        return names.contains { $0.lowercased() == name.lowercased() }
    }
}
