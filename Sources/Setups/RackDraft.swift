package import Diagnostics
import Recipes
import Text

/// The recipes of a rack made from a roster: one file a node, and one that they share.
package struct RackDraft: Sendable {
    package struct File: Hashable, Sendable {
        package var name: String
        package var text: String
    }

    package let files: [File]

    /// - Parameters:
    ///   - base: the recipe that the shared one extends, relative to the rack's directory; nil for none.
    ///   - firstAddress: the first node's, with its prefix length ("192.168.50.10/24"); the others follow it in order.
    package init(_ roster: SwarmRoster, base: String?, firstAddress: String?) throws(Failure) {
        let own = roster.managers.filter { !ValueRules.isIPAddress($0.value) } + roster.workers
        let addresses = try Self.addresses(from: firstAddress, count: own.count)
        let shared = "shared.yaml"
        if let clash = own.first(where: { "\($0.value).yaml" == shared }) {
            throw Failure(
                .usage, severity: .usage, "\(clash.location): a node cannot be called \"\(clash.value)\" here")
        }
        let isOutside = own.count < roster.managers.count + roster.workers.count
        var text = "# What the nodes of this rack share; each node's own file extends it.\n"
        if let base {
            text += "extends: \(JSONValue.quoted(base))\n"
        } else {
            text += "# image: { source: hypriotos-rpi-v1.12.3.img.zip }\n"
            text += "# user: { name: pirate, ssh_authorized_keys: [!file ~/.ssh/id_ed25519.pub] }\n"
        }
        text += "swarm:\n  managers: [\(roster.managers.map { Self.word($0.value) }.joined(separator: ", "))]\n"
        // A swarm that runs already has its token; one that the rack forms makes its own.
        if isOutside { text += "  token: !env SWARM_TOKEN # `docker swarm join-token -q worker` on a manager\n" }
        var files = [File(name: shared, text: text)]
        let managers = Set(roster.managers.map(\.value))
        for (index, node) in own.enumerated() {
            var text = "extends: \(shared)\nhostname: \(Self.word(node.value))\n"
            if let addresses { text += "address: \(addresses[index])\n" }
            text += "swarm: { role: \(managers.contains(node.value) ? "manager" : "worker") }\n"
            files.append(File(name: "\(node.value).yaml", text: text))
        }
        self.files = files
    }

    /// A name that YAML could take for a number or a truth value ("01", "no") in quotes.
    private static func word(_ text: String) -> String {
        text.wholeMatch(of: /[a-z][a-z0-9-]*/) != nil
            && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(text)
            ? text : JSONValue.quoted(text)
    }

    private static func addresses(from first: String?, count: Int) throws(Failure) -> [String]? {
        guard let first else { return nil }
        let parts = first.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let start = ValueRules.ipv4(String(parts[0])), let prefix = Int(parts[1]),
            (1...30).contains(prefix)
        else {
            throw Failure(
                .usage, severity: .usage, "\"\(first)\" is no address with its prefix length",
                hint: "--first-address 192.168.50.10/24")
        }
        let mask = UInt32.max << (32 - prefix)
        let broadcast = start | ~mask
        guard start & ~mask != 0, UInt64(start) + UInt64(count) <= UInt64(broadcast) else {
            throw Failure(.usage, severity: .usage, "\(first) leaves no room in its network for \(count) nodes")
        }
        return (0..<UInt32(count)).map { index in
            let value = start + index
            return [24, 16, 8, 0].map { String(value >> $0 & 0xFF) }.joined(separator: ".") + "/\(prefix)"
        }
    }
}
