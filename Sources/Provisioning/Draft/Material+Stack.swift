import Stacks

extension Material {
    /// What the swarm's first manager deploys.
    struct Stack: Hashable, Sendable {
        let name: String
        /// The compose file.
        let contents: [UInt8]
        /// The files that it names.
        var files: [StackFile] = []
        /// The values of its variables.
        var environment: [Variable] = []

        struct Variable: Hashable, Sendable {
            let name: String
            let value: String
        }
    }
}
