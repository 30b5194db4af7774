import Filesystems
import TestSupport

/// What a volume should hold, kept in a dictionary: edits as their documentation says, and without any knowledge of ext4.
struct Ext4Model {
    struct Node: Equatable {
        enum Kind: Equatable {
            case file([UInt8])
            case directory
            case link(String)
        }
        var kind: Kind
        /// Nil for a link, where it means nothing.
        var mode: UInt16?
        var user: UInt32 = 0
        var group: UInt32 = 0
    }

    struct Refused: Error {}

    /// By absolute path; the root is not among them.
    private(set) var nodes: [String: Node] = [:]

    /// Returns whether something changed.
    mutating func apply(_ edit: TreeChange) throws -> Bool {
        let before = nodes
        switch edit.action {
        case .file(let contents, let mode):
            try put(Node(kind: .file(contents), mode: mode, user: edit.user, group: edit.group), at: edit.path)
        case .symbolicLink(let target):
            try put(Node(kind: .link(target), mode: nil, user: edit.user, group: edit.group), at: edit.path)
        case .directory(let mode):
            try makeParents(of: edit.path)
            if let old = nodes[edit.path], old.kind != .directory { throw Refused() }
            nodes[edit.path] = Node(kind: .directory, mode: mode, user: edit.user, group: edit.group)
        case .rename(let name):
            let new = Self.parent(of: edit.path) + "/" + name
            guard nodes[edit.path] != nil else {
                guard nodes[new] != nil else { throw Refused() }
                return false
            }
            guard new != edit.path else { return false }
            guard nodes[new] == nil else { throw Refused() }
            for path in nodes.keys where path == edit.path || path.hasPrefix(edit.path + "/") {
                nodes[new + path.dropFirst(edit.path.count)] = nodes.removeValue(forKey: path)
            }
        case .removal:
            guard !nodes.keys.contains(where: { $0.hasPrefix(edit.path + "/") }) else { throw Refused() }
            nodes[edit.path] = nil
        }
        return nodes != before
    }

    private mutating func put(_ node: Node, at path: String) throws {
        try makeParents(of: path)
        if nodes[path]?.kind == .directory { throw Refused() }
        nodes[path] = node
    }

    private mutating func makeParents(of path: String) throws {
        let parent = Self.parent(of: path)
        guard !parent.isEmpty else { return }
        try makeParents(of: parent)
        guard let there = nodes[parent] else {
            nodes[parent] = Node(kind: .directory, mode: 0o755)
            return
        }
        guard there.kind == .directory else { throw Refused() }
    }

    private static func parent(of path: String) -> String {
        path.split(separator: "/").dropLast().map { "/" + $0 }.joined()
    }
}

extension Ext4Model {
    private static let directories = ["/etc", "/etc/piflash", "/usr/lib", "/usr/lib/a directory", "/srv/x/y", ""]
    private static let leaves = (0..<14).map { "file \($0)" } + [String(repeating: "l", count: 255), "ünïcödé", "x"]

    /// An edit that may well hit something that is there, or be refused.
    static func randomEdit(_ random: inout SplitMix64) -> TreeChange {
        let directory = directories.randomElement(using: &random) ?? ""
        let leaf = leaves.randomElement(using: &random) ?? "x"
        let path = directory + "/" + leaf
        let user = [0, 1000, 70_000].randomElement(using: &random) as UInt32? ?? 0
        let mode = [0o644, 0o600, 0o4755].randomElement(using: &random) as UInt16? ?? 0
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<8:
            let size = [0, 1, 59, 60, 1023, 1024, 4097, 13_000, 70_000, 300_000].randomElement(using: &random) ?? 0
            // Few contents, so that some are there already.
            let seed = UInt64.random(in: 0..<3, using: &random)
            return TreeChange(
                .file(contents: pattern(size, seed), mode: mode), at: path, user: user, group: user / 2)
        case 8..<10:
            let length = [1, 59, 60, 100, 1000].randomElement(using: &random) ?? 1
            return TreeChange(.symbolicLink(target: String(repeating: "t", count: length)), at: path, user: user)
        case 10, 11:
            let made = directory.isEmpty ? "/srv" : directory
            return TreeChange(.directory(mode: mode), at: made, user: user, group: user)
        case 12:
            return TreeChange(.rename(to: "dir \(Int.random(in: 0..<3, using: &random))"), at: "/usr/lib/a directory")
        case 13: return TreeChange(.rename(to: "a directory"), at: "/usr/lib/dir 1")
        case 14: return TreeChange(.rename(to: leaves.randomElement(using: &random) ?? "x"), at: path)
        case 15: return TreeChange(.removal, at: directory.isEmpty ? "/srv/x" : directory)
        default: return TreeChange(.removal, at: path)
        }
    }
}
