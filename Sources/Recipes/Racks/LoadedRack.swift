package import Diagnostics

/// The nodes that one or several recipes mean, read without a mistake, and what is worth saying about them all the same.
package struct LoadedRack: Sendable {
    /// A field of a node's row in the roster.
    package struct Column: Hashable, Sendable {
        /// The column's name as a variable.
        package let name: String
        package let value: String
    }

    package struct Member: Sendable {
        package internal(set) var node: Node
        /// The recipe, as the user named it.
        package let file: String
        /// What the roster says of it, in the order of its columns.
        package let columns: [Column]
    }

    package internal(set) var members: [Member]
    package internal(set) var warnings: [Diagnostic]

    package var nodes: [Node] { members.map(\.node) }
}
