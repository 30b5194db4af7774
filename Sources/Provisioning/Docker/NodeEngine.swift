import Diagnostics
import Docker
package import Recipes
package import Systems

/// What the engine of a node asks of those who use it from elsewhere.
package enum NodeEngine {
    /// The docker command that a workstation needs for `node`: "Docker 29.1.0 answers docker commands from 25.0 on (API
    /// 1.44)"; nil if the engine's version is not known, or if it answers every one.
    package static func clientNeeds(_ node: Node, profile: OSProfile) -> String? {
        guard let engine = SwarmFormation.engine(of: node, profile) else { return nil }
        return ClientFloor.of(engine).map { floor in
            "Docker \(engine) answers docker commands from \(floor.client) on (API \(floor.api))"
        }
    }
}
