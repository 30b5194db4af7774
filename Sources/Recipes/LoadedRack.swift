public import Diagnostics

/// The nodes that one or several recipes mean, read without a mistake, and what is worth saying about them all the same.
public struct LoadedRack: Sendable {
    public struct Member: Sendable {
        public internal(set) var node: Node
        /// The recipe, as the user named it.
        public let file: String
        /// What the roster says of it, by column.
        public let columns: [String: String]
    }

    public internal(set) var members: [Member]
    public internal(set) var warnings: [Diagnostic]

    public var nodes: [Node] { members.map(\.node) }
}
