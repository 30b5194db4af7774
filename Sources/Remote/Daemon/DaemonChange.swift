import Systems
import Text
package import Diagnostics
import Provisioning
import Recipes

/// What a recipe changes in the configuration of a node's engine.
///
/// The recipe's keys replace those of the node; a key that an earlier recipe brought and this one does not is removed; any
/// other key is somebody's own, and stays. What the earlier recipe brought stands in /var/lib/piflash on the node, or is all
/// of the file when that is, byte for byte, what the first boot laid down.
package struct DaemonChange: Sendable {
    /// "daemon.json", or "docker-options" for engines before 1.10.
    let name: String
    /// On the node.
    package let path: String
    /// In one layout, so that only what differs in meaning differs.
    package let old: String
    package let new: String
    package let warnings: [Diagnostic]
    /// What the recipe wants, for the next time.
    let written: String
    let sum: String
    let hasHosts: Bool
    /// Whether root alone may read the new file.
    let isPrivate: Bool
    /// The drop-in with the proxies of an engine before 23.0; empty for none.
    let proxies: String
    package let needsRestart: Bool
    let recordIsStale: Bool
    package let isManager: Bool
    package let engine: String

    package var isEmpty: Bool { !needsRestart && !recordIsStale }

    init(_ node: Node, on look: NodeProbe) throws {
        guard let engine = look.engine else {
            throw Failure(
                .remote, "Docker is not installed", hint: "install it, or write a card with docker.install: debian")
        }
        self.engine = engine
        isManager = look.isManager
        var report = DiagnosticReport()
        let name = look.readsDaemonFile ? "daemon.json" : "docker-options"
        let path = look.readsDaemonFile ? RootPath.daemonConfiguration : RootPath.dockerOptions
        (self.name, self.path) = (name, path)
        sum = look.sum(name)
        let present = look.file(name)
        let record = look.file(name + ".written")
        if look.readsDaemonFile {
            let theirs = try present.map { try Self.members($0, of: path) } ?? []
            guard
                let daemon = NodeDaemon(
                    node, engine: engine, architecture: Self.label(theirs) ?? look.architecture, report: &report)
            else { throw Self.nothingToSay }
            proxies = daemon.proxyDropIn ?? ""
            let oldProxies = look.file("proxies") ?? []
            if !proxies.isEmpty, !look.hasSystemd {
                report.error(
                    at: node.docker.proxy?.location,
                    "docker.proxy: without systemd, Docker \(engine) takes proxies from /etc/default/docker, which only a card's first boot writes"
                )
            }
            let before: [JSONValue.Member]
            if let record {
                before = (try? Self.members(record, of: "")) ?? []
            } else if let present, NodeDaemon.isFirstBoots(present + oldProxies, digest: look.firstBoot) {
                before = theirs
            } else {
                before = []
            }
            let merged = Self.merge(daemon.members, over: theirs, before: before)
            report.merge(DiagnosticReport(NodeDaemon.validate(merged, engine: engine)))
            if node.docker.remote?.value == .tls, !look.hasCertificate {
                report.error(
                    at: node.docker.remote?.location,
                    "docker.remote: this node has no certificate of the rack's: give its card this recipe with piflash configure"
                )
            }
            if look.isInSwarm, merged.contains(.init("live-restore", .bool(true))) {
                report.error(at: nil, "live-restore: Docker does not start with it on a node of a swarm")
            }
            old = present == nil ? "" : JSONValue.object(theirs).prettyText
            new = JSONValue.object(merged).prettyText
            written = JSONValue.object(daemon.members).prettyText
            hasHosts = merged.contains { $0.name == "hosts" && $0.value != .array([]) }
            isPrivate = NodeDaemon.isPrivate(merged)
            needsRestart =
                old != new || look.hasSystemd && (look.hasDropIn != hasHosts || oldProxies != Array(proxies.utf8))
        } else {
            guard
                let daemon = NodeDaemon(node, engine: engine, architecture: look.architecture, report: &report)
            else { throw Self.nothingToSay }
            proxies = ""
            let words = daemon.options(version: engine, report: &report)
            let text = String(decoding: present ?? [], as: UTF8.self)
            let before = record.map { String(decoding: $0, as: UTF8.self).split(separator: " ").map(String.init) } ?? []
            old = text
            let edited = DockerOptions(words: words).edited(text, keeping: .others(earlier: before))
            new = String(decoding: edited, as: UTF8.self)
            written = words.joined(separator: " ")
            hasHosts = false
            isPrivate = false
            needsRestart = old != new
        }
        guard !report.hasErrors else { throw report }
        warnings = report.warnings
        let wanted = Array(written.utf8)
        recordIsStale = record.map { $0 != wanted } ?? true
    }

    private static var nothingToSay: Failure {
        Failure(.usage, severity: .usage, "its recipe says nothing about Docker", hint: "add docker.daemon to it")
    }

    private static func members(_ contents: [UInt8], of path: String) throws(Failure) -> [JSONValue.Member] {
        let value: JSONValue
        do throws(Failure) { value = try JSONValue(parsing: contents) } catch {
            throw Failure(.remote, "\(path) is no JSON: \(error.message)", hint: "repair it there, or remove it")
        }
        guard case .object(let members) = value else { throw Failure(.remote, "\(path) holds no JSON object") }
        return members
    }

    /// The arch= label that the node has: the card's image gave it, and knew best.
    private static func label(_ members: [JSONValue.Member]) -> String? {
        guard case .array(let labels) = members.first(where: { $0.name == "labels" })?.value else { return nil }
        for case .string(let label) in labels where label.hasPrefix("arch=") { return String(label.dropFirst(5)) }
        return nil
    }

    static func merge(
        _ ours: [JSONValue.Member], over theirs: [JSONValue.Member], before: [JSONValue.Member]
    ) -> [JSONValue.Member] {
        var merged: [JSONValue.Member] = []
        for member in theirs {
            if let own = ours.first(where: { $0.name == member.name }) {
                merged.append(own)
            } else if !before.contains(where: { $0.name == member.name }) {
                merged.append(member)
            }
        }
        return merged + ours.filter { own in !theirs.contains { $0.name == own.name } }
    }

    /// The difference, with secrets masked; empty when there is none.
    package func difference(from node: String) -> String {
        let from = NodeText.masked(old), to = NodeText.masked(new)
        guard old != new else { return needsRestart ? "\(node): the service's drop-ins differ\n" : "" }
        // Two texts that differ only in what is masked.
        guard from != to else { return "\(node): \(path): only a secret differs\n" }
        return TextDifference(from: from, to: to).unified(from: "\(node):\(path)", to: "recipe")
    }

    /// What daemon.sh is told, and the program itself.
    func script(wait: Int) -> String {
        let values = [
            ("NAME", name), ("FILE", path), ("NEW", new), ("WRITTEN", written), ("SUM", sum),
            ("PROXIES", proxies), ("PRIVATE", isPrivate ? "1" : "0"),
            ("HOSTS", hasHosts ? "1" : "0"), ("RESTART", needsRestart ? "1" : "0"), ("MANAGER", isManager ? "1" : "0"),
            ("WAIT", String(wait)),
        ]
        return values.map { "\($0)=\(shellQuoted($1))\n" }.joined() + Self.program
    }

    static let program =
        NodeDaemon.shellFunctions + "\n" + String(decoding: PackageResources.daemon_sh, as: UTF8.self)
}
