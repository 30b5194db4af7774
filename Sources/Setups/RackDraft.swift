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
        let own = roster.managers.filter { IPAddress($0.value) == nil } + roster.workers
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
        // A swarm that already runs has a token; a swarm that the rack forms needs none.
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
        text.wholeMatch(of: /[a-z][a-z0-9-]*/.matchingSemantics(.unicodeScalar)) != nil
            && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(text)
            ? text : JSONValue.quoted(text)
    }

    private static func addresses(from first: String?, count: Int) throws(Failure) -> [String]? {
        guard let first else { return nil }
        guard let network = IPv4Network(first), (1...30).contains(network.prefixLength) else {
            throw Failure(
                .usage, severity: .usage, "\"\(first)\" is not an address with its prefix length",
                hint: "--first-address 192.168.50.10/24")
        }
        guard let hosts = network.hosts(count) else {
            throw Failure(
                .usage, severity: .usage, "the network of \(first) has no room for \(count) nodes from that address on")
        }
        return hosts.map { "\($0)/\(network.prefixLength)" }
    }
}
