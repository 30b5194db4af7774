import Filesystems
import Systems

@testable import Provisioning

/// A root partition as a value: edits are carried out on it by the rules of ``TreeChange``.
struct RootTree: Hashable {
    struct Refusal: Error, CustomStringConvertible { let description: String }

    private(set) var entries: [String: RootSnapshot.Entry] = [:]
    /// Times of last modification that edits asked for.
    private(set) var modified: [String: Int64] = [:]
    var packages: [String: String] = [:]

    /// The snapshot that a reader of the partition makes.
    var asRead: RootSnapshot {
        var root = RootSnapshot(packages: packages)
        for path in RootSnapshot.kept + RootSnapshot.noted {
            guard var entry = entries[path] else { continue }
            if case .file = entry.kind, !RootSnapshot.kept.contains(path) { entry.kind = .file(contents: nil) }
            root.entries[path] = entry
        }
        return root
    }

    func text(_ path: String) -> String? {
        guard case .file(let contents?) = entries[path]?.kind else { return nil }
        return String(decoding: contents, as: UTF8.self)
    }

    // MARK: Making one

    mutating func file(
        _ text: String, _ path: String, mode: UInt16 = 0o644, user: UInt32 = 0, group: UInt32 = 0
    ) {
        file(text, path, contents: Array(text.utf8), mode: mode, user: user, group: group)
    }

    mutating func file(
        _ text: String, _ path: String, contents: [UInt8]?, mode: UInt16 = 0o644, user: UInt32 = 0, group: UInt32 = 0
    ) {
        entries[path] = .init(.file(contents: contents), mode: mode, user: user, group: group)
    }

    mutating func directory(_ path: String, mode: UInt16 = 0o755, user: UInt32 = 0, group: UInt32 = 0) {
        entries[path] = .init(.directory, mode: mode, user: user, group: group)
    }

    mutating func link(_ target: String, _ path: String) {
        entries[path] = .init(.symbolicLink(target: target), mode: 0o777)
    }

    mutating func remove(_ path: String) { entries[path] = nil }

    // MARK: Editing one

    /// The partition after a provision has been applied to it.
    func applying(_ provision: Provision) throws -> RootTree {
        var after = self
        for change in provision.rootChanges { try after.apply(change.edit) }
        return after
    }

    mutating func apply(_ edit: TreeChange) throws {
        let path = edit.path
        guard path.hasPrefix("/"), !path.hasSuffix("/"),
            !path.split(separator: "/").contains(where: { $0 == "." || $0 == ".." })
        else { throw Refusal(description: "\(path) is no path of an edit") }
        func entry(_ kind: RootSnapshot.Kind, _ mode: UInt16) -> RootSnapshot.Entry {
            .init(kind, mode: mode, user: edit.user, group: edit.group)
        }
        switch edit.action {
        case .file(let contents, let mode):
            try refuseDirectory(path)
            entries[path] = entry(.file(contents: contents), mode)
            if let time = edit.modified { modified[path] = time }
        case .directory(let mode):
            if let old = entries[path], old.kind != .directory { throw Refusal(description: "\(path) is no directory") }
            entries[path] = entry(.directory, mode)
        case .symbolicLink(let target):
            try refuseDirectory(path)
            entries[path] = entry(.symbolicLink(target: target), 0o777)
        case .rename(let name):
            try rename(path, to: name)
        case .removal:
            guard !entries.keys.contains(where: { $0.hasPrefix(path + "/") }) else {
                throw Refusal(description: "\(path) is not empty")
            }
            entries[path] = nil
        }
    }

    private func refuseDirectory(_ path: String) throws {
        if entries[path]?.kind == .directory { throw Refusal(description: "\(path) is a directory") }
    }

    private mutating func rename(_ path: String, to name: String) throws {
        guard !name.isEmpty, !name.contains("/") else { throw Refusal(description: "\"\(name)\" is no file name") }
        let new = path.prefix(upTo: path.lastIndex(of: "/")!) + "/" + name
        guard entries[path] != nil else {
            guard entries[String(new)] != nil else { throw Refusal(description: "there is no \(path)") }
            return
        }
        guard entries[String(new)] == nil else { throw Refusal(description: "\(new) is taken") }
        for (old, entry) in entries where old == path || old.hasPrefix(path + "/") {
            entries[old] = nil
            entries[new + old.dropFirst(path.count)] = entry
        }
    }
}

extension BootSnapshot {
    /// The snapshot that a reader of the partition makes: of most files it has only the path.
    var asRead: BootSnapshot {
        var read = self
        read.files = files.filter { Self.kept.contains($0.key) }
        return read
    }

    /// The partition after the first boot has deleted its files, and its own tokens in cmdline.txt.
    func afterFirstBoot(_ provision: Provision) -> BootSnapshot {
        var after = self
        for file in provision.bootFiles where file.isConsumed {
            after.files[file.path] = nil
            after.names.remove(file.path)
        }
        if let line = text("cmdline.txt") {
            let gone = ["quiet", "resize"]
            let words = line.split(whereSeparator: \.isWhitespace).filter {
                !$0.hasPrefix("systemd.") && !$0.hasPrefix("init=") && !gone.contains(String($0))
            }
            after.files["cmdline.txt"] = Array((words.joined(separator: " ") + "\n").utf8)
        }
        return after
    }
}

extension Provision {
    /// The root changes to `path`.
    func root(_ path: String) -> TreeChange? { rootChanges.last { $0.edit.path == path }?.edit }

    func rootText(_ path: String) -> String? {
        guard case .file(let contents, _) = root(path)?.action else { return nil }
        return String(decoding: contents, as: UTF8.self)
    }
}
