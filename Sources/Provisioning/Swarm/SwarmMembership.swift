import Diagnostics
import Filesystems
import Recipes
import Systems

/// A node's part in a swarm that exists already: it joins with the recipe's token.
struct SwarmMembership: Orchestration {
    static let tokenPath = "piflash/join-token"

    let managers: [String]
    let ownAddress: String?
    /// Nil when the recipe's token cannot be read, which is reported with the other secrets.
    let token: String?

    static func part(
        of node: Node, material: Material, keys: RackKeys, report: inout DiagnosticReport
    ) -> (any Orchestration)? { Self(node, material: material, report: &report) }

    /// Nil if the recipe gives no token.
    init?(_ node: Node, material: Material, report: inout DiagnosticReport) {
        guard let swarm = node.swarm, swarm.mode == .swarm, !swarm.isFormed else { return nil }
        managers = swarm.managers.map { SwarmAddress.normalized($0.value) }
        ownAddress = node.ipv4Address
        token = material.joinToken
    }

    var bootFiles: [Provision.BootFile] {
        token.map { [.init(path: Self.tokenPath, contents: Array(($0 + "\n").utf8))] } ?? []
    }

    let settings: [FirstBootSetting] = []
    let needsOpenSSH = false
    let rootEdits: [TreeChange] = []
    let consumed: [String: String] = [:]

    static let removableBootFiles = [tokenPath]

    static func owns(_ path: String) -> Bool { false }

    /// Every image takes a token.
    static func check(_ node: Node, profile: OSProfile, root: RootSnapshot?, report: inout DiagnosticReport) {}
}
