import Diagnostics
import Provisioning
import Recipes
import Systems
import Text

/// The configuration file of a node's engine, merged with a recipe.
///
/// The recipe's keys replace those of the node. A key that an earlier recipe set and this one does not is removed. Any other
/// key stays, because somebody else set it. What the earlier recipe set is recorded in /var/lib/piflash on the node; without
/// a record, the whole file counts as the earlier recipe's if it is, byte for byte, what the first boot wrote.
struct MergedConfiguration: Sendable {
    /// In the same layout as ``new``, so that only real differences show.
    let old: String
    let new: String
    /// What the recipe sets, to be recorded for the next time.
    let written: String
    var hasHosts = false
    /// Whether only root may read the new file.
    var isPrivate = false
    /// The drop-in with the proxies of an engine before 23.0; empty for none.
    var proxies = ""
    /// Whether the drop-ins of Docker's service must change.
    var dropInsDiffer = false

    /// daemon.json.
    ///
    /// - Parameter record: What the earlier recipe set.
    init(
        daemonFile present: [UInt8]?, of node: Node, engine: String, probe: NodeProbe, record: [UInt8]?,
        report: inout DiagnosticReport
    ) throws {
        let theirs = try present.map { try Self.members($0, of: RootPath.daemonConfiguration) } ?? []
        guard
            let daemon = NodeDaemon(
                node, engine: engine, architecture: Self.label(theirs) ?? probe.architecture, report: &report)
        else { throw Self.nothingToSay }
        proxies = daemon.proxyDropIn ?? ""
        let oldProxies = probe.file("proxies") ?? []
        let earlier: [JSONValue.Member]
        if let record {
            earlier = (try? Self.members(record, of: "")) ?? []
        } else if let present, NodeDaemon.isFirstBoots(present + oldProxies, digest: probe.firstBoot) {
            earlier = theirs
        } else {
            earlier = []
        }
        let merged = Self.merge(daemon.members, over: theirs, before: earlier)
        old = present == nil ? "" : JSONValue.object(theirs).prettyText
        new = JSONValue.object(merged).prettyText
        written = JSONValue.object(daemon.members).prettyText
        hasHosts = merged.contains { $0.name == "hosts" && $0.value != .array([]) }
        isPrivate = NodeDaemon.isPrivate(merged)
        dropInsDiffer =
            probe.hasSystemd && (probe.hasDropIn != hasHosts || oldProxies != Array(proxies.utf8))
        validate(merged, of: node, engine: engine, probe: probe, report: &report)
    }

    /// DOCKER_OPTS, for an engine that does not read daemon.json.
    init(
        options present: [UInt8]?, of node: Node, engine: String, probe: NodeProbe, record: [UInt8]?,
        report: inout DiagnosticReport
    ) throws {
        guard let daemon = NodeDaemon(node, engine: engine, architecture: probe.architecture, report: &report)
        else { throw Self.nothingToSay }
        let words = daemon.options(version: engine, report: &report)
        let earlier = record.map { String(decoding: $0, as: UTF8.self).split(at: " ").map(String.init) } ?? []
        old = String(decoding: present ?? [], as: UTF8.self)
        new = String(
            decoding: DockerOptions(words: words).edited(old, keeping: .others(earlier: earlier)), as: UTF8.self)
        written = words.joined(separator: " ")
    }

    private func validate(
        _ merged: [JSONValue.Member], of node: Node, engine: String, probe: NodeProbe, report: inout DiagnosticReport
    ) {
        if !proxies.isEmpty, !probe.hasSystemd {
            report.error(
                at: node.docker.proxy?.location,
                "docker.proxy: without systemd, Docker \(engine) takes proxies from /etc/default/docker, which only a card's first boot writes"
            )
        }
        report.merge(DiagnosticReport(NodeDaemon.validate(merged, engine: engine)))
        if node.docker.remote?.value == .tls, !probe.hasCertificate {
            report.error(
                at: node.docker.remote?.location,
                "docker.remote: this node has no certificate of the rack: apply this recipe to its card with `piflash configure`"
            )
        }
        if probe.isInSwarm, merged.contains(.init("live-restore", .bool(true))) {
            report.error(at: nil, "live-restore: Docker does not start with it on a node of a swarm")
        }
    }

    private static var nothingToSay: Failure {
        Failure(.usage, severity: .usage, "its recipe says nothing about Docker", hint: "add docker.daemon to it")
    }

    private static func members(_ contents: [UInt8], of path: String) throws(Failure) -> [JSONValue.Member] {
        let value: JSONValue
        do throws(Failure) { value = try JSONValue(parsing: contents) } catch {
            throw Failure(.remote, "\(path) is not valid JSON: \(error.message)", hint: "repair it there, or remove it")
        }
        guard case .object(let members) = value else { throw Failure(.remote, "\(path) does not hold a JSON object") }
        return members
    }

    /// The node's arch= label. It comes from the card's image and is more exact than what a running node reports.
    private static func label(_ members: [JSONValue.Member]) -> String? {
        guard case .array(let labels) = members.first(where: { $0.name == "labels" })?.value else { return nil }
        for case .string(let label) in labels where label.begins(with: "arch=") { return String(label.dropFirst(5)) }
        return nil
    }

    /// `ours` over `theirs`, without what only the earlier recipe (`before`) set.
    static func merge(
        _ ours: [JSONValue.Member], over theirs: [JSONValue.Member], before: [JSONValue.Member]
    ) -> [JSONValue.Member] {
        let own = Dictionary(ours.map { ($0.name, $0) }) { first, _ in first }
        let earlier = Set(before.map(\.name)), known = Set(theirs.map(\.name))
        let kept = theirs.compactMap { own[$0.name] ?? (earlier.contains($0.name) ? nil : $0) }
        return kept + ours.filter { !known.contains($0.name) }
    }
}
