package import Diagnostics

/// The nodes of one or several recipes that have no mistake, and the warnings about them.
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
        /// The fields of its row in the roster, in the order of the columns.
        package let columns: [Column]
    }

    package let members: [Member]
    package let warnings: [Diagnostic]

    package var nodes: [Node] { members.map(\.node) }
}

/// A node whose recipe has no mistake, and the warnings about it.
package struct LoadedRecipe: Sendable {
    package let node: Node
    package let warnings: [Diagnostic]
}
