import Diagnostics
import Filesystems
import Recipes
import Systems

/// A node's part in a cluster of Docker engines: all that its card holds for that. Each kind of cluster is a type of its
/// own, listed in ``Cluster/kinds``.
protocol Orchestration: Sendable {
    /// The node's part; nil when the node is in no cluster of this kind. Problems are reported.
    static func part(
        of node: Node, material: Material, keys: RackKeys, report: inout DiagnosticReport
    ) -> (any Orchestration)?

    /// For the first-boot program, besides ``managers``.
    var settings: [FirstBootSetting] { get }

    /// The other managers, as the first-boot program asks them: "host:port", or an address for the classic swarm.
    var managers: [String] { get }

    /// The node's address that the other nodes use, when the recipe gives one.
    var ownAddress: String? { get }

    /// Whether the node needs OpenSSH's own programs.
    var needsOpenSSH: Bool { get }

    var bootFiles: [Provision.BootFile] { get }

    var rootEdits: [TreeChange] { get }

    /// Files of ``rootEdits`` that the first boot deletes, each with a digest of all that makes the node use it again.
    var consumed: [String: String] { get }

    /// Paths on the boot partition that a card can have from this kind of cluster.
    static var removableBootFiles: [String] { get }

    /// Whether `path` is a file of the root partition that a card can have from this kind of cluster.
    static func owns(_ path: String) -> Bool

    /// Reports what `node` asks of this kind of cluster and the image cannot do.
    static func check(_ node: Node, profile: OSProfile, root: RootSnapshot?, report: inout DiagnosticReport)
}

enum Cluster {
    static let kinds: [any Orchestration.Type] = [SwarmFormation.self, SwarmMembership.self, ClassicSwarm.self]

    /// The node's part in its cluster, or nil when it is in none.
    static func part(
        of node: Node, material: Material, keys: RackKeys, report: inout DiagnosticReport
    ) -> (any Orchestration)? {
        for kind in kinds {
            if let part = kind.part(of: node, material: material, keys: keys, report: &report) { return part }
        }
        return nil
    }
}
