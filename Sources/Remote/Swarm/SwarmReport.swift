import Diagnostics
import Text

/// The swarm that a node is in, as its engine sees it: the answer of membership.sh.
struct SwarmReport: Hashable, Sendable {
    static let script = String(decoding: PackageResources.membership_sh, as: UTF8.self)
    /// Docker advises against more than seven managers. A node may answer anything.
    private static let mostManagers = 16

    struct Manager: Hashable, Sendable {
        var id: String
        /// "192.168.50.10:2377".
        var address: String
    }

    /// "active", "inactive", "pending", "locked" or "error"; nil if no engine answers, or one without swarm mode.
    var state: String?
    /// The node's name in its swarm.
    var id: String?
    var managers: [Manager] = []

    init(_ result: RemoteResult) throws(Failure) {
        let answer = ScriptAnswer(result.output)
        guard answer["end"] != nil else {
            throw Failure(
                .remote, "its answer is cut short: \(SSHFailure.lastLine(result.errors) ?? "exit \(result.exit)")")
        }
        let words = answer["swarm"]?.split(at: " ") ?? []
        state = words.first.flatMap { $0.wholeMatch(of: /[a-z]{1,20}/) == nil ? nil : String($0) }
        id = words.dropFirst().first.flatMap { Self.isID($0) ? String($0) : nil }
        managers = words.dropFirst(2).prefix(Self.mostManagers).compactMap { word in
            let parts = word.split(at: "@")
            guard parts.count == 2, Self.isID(parts[0]), parts[1].wholeMatch(of: /[0-9A-Za-z.:%\[\]-]{1,80}/) != nil
            else { return nil }
            return Manager(id: String(parts[0]), address: String(parts[1]))
        }
    }

    /// Docker's names of nodes have 25 digits and small letters.
    private static func isID(_ text: Substring) -> Bool { text.wholeMatch(of: /[0-9a-z]{1,64}/) != nil }
}

/// Where a node of the recipes is that the swarm does not list as ready.
package enum SwarmAbsence: Hashable, Sendable {
    /// ssh did not get an answer. The hint is the next step, if there is one on the workstation.
    case noAnswer(message: String, hint: String?)
    /// Docker is not there, does not answer, or has no swarm mode.
    case noEngine
    /// The engine is in no swarm, or not yet: its own word ("inactive", "pending", "locked", "error").
    case outside(String)
    /// The engine is in a swarm with these managers.
    case anotherSwarm(managers: [String])
    /// The engine is in this swarm, but the managers do not know it any more.
    case removed
    /// The managers list it under this name.
    case listed(as: String)
    /// The engine is in this swarm, and the managers do not reach it.
    case notReady

    init(of report: SwarmReport, named name: String, in members: [SwarmNode]) {
        switch report.state {
        case nil: self = .noEngine
        case "active":
            if let id = report.id, let member = members.first(where: { $0.id == id }) {
                self = member.hostname == name ? .notReady : .listed(as: member.hostname)
            } else if report.managers.contains(where: { manager in members.contains { $0.id == manager.id } }) {
                self = .removed
            } else {
                self = .anotherSwarm(managers: report.managers.map(\.address))
            }
        case let state?: self = .outside(state)
        }
    }
}
