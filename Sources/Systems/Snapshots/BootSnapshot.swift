package import Diagnostics
package import Filesystems

/// What detection and rendering need to know of a boot partition: its label, the names in its root, and the contents of
/// the small files that first-boot mechanisms read. A value, so that both stages stay free of I/O.
package struct BootSnapshot: Hashable, Sendable {
    /// The files whose contents are kept when they exist; larger than ``limit`` they are named only.
    package static let kept = [
        "cmdline.txt", "current/cmdline.txt", "config.txt", "os-release", "issue.txt", "README", "meta-data",
        "user-data", "network-config", "fake-hwclock.data", "occidentalis.txt", "device-init.yaml", "dietpi.txt",
        "dietpi-wifi.txt", "sysconf.txt", "piflash/card.json",
    ]
    /// In bytes: no configuration file comes near, a kernel does not come in.
    package static let limit: Int64 = 1 << 20

    package var label: String?
    /// The names in the root directory, as they are spelt there; directories end in "/".
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
            let parts = path.split(separator: "/")
            let directory = parts.dropLast().joined(separator: "/")
            let entries = directory.isEmpty ? root : try tree.list(directory) ?? []
            guard let last = parts.last,
                let entry = entries.first(where: { $0.name.lowercased() == last.lowercased() }),
                !entry.isDirectory, entry.size <= Self.limit
            else { continue }
            files[path] = try tree.read(path)
        }
    }

    /// The text of a kept file; bytes that are no UTF-8 are replaced, as a Pi's own tools would not choke on them.
    package func text(_ path: String) -> String? {
        files[path].map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether the root holds `name` (a file, or a directory when it ends in "/"), in any case.
    package func has(_ name: String) -> Bool { names.contains { $0.lowercased() == name.lowercased() } }
}
