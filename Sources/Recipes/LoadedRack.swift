public import Diagnostics

/// The nodes that one or several recipes mean, read without a mistake, and what is worth saying about them all the same.
public struct LoadedRack: Sendable {
    /// A field of a node's row in the roster.
    public struct Column: Hashable, Sendable {
        /// The column's name as a variable.
        public let name: String
        public let value: String
    }

    public struct Member: Sendable {
        public internal(set) var node: Node
        /// The recipe, as the user named it.
        public let file: String
        /// What the roster says of it, in the order of its columns.
        public let columns: [Column]
    }

    public internal(set) var members: [Member]
    public internal(set) var warnings: [Diagnostic]

    public var nodes: [Node] { members.map(\.node) }
}
