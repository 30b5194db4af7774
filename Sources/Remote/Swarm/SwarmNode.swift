import Text
import Diagnostics
import Recipes

/// A node as the managers of the swarm see it.
package struct SwarmNode: Hashable, Sendable {
    package var id: String
    package var hostname: String
    /// "manager" or "worker".
    package var role: String
    /// "ready", "down", …
    package var state: String
    /// "active", "pause" or "drain".
    package var availability: String
    package var engine: String
    package var address: String
    package var isLeader: Bool
    /// "reachable" or "unreachable"; only of managers.
    package var reachability: String?

    /// More than any rack of cards; a node may answer anything.
    private static let mostNodes = 10_000

    /// Reads what `docker node inspect` prints: an array of objects, unchanged since Docker 1.12. A node that has not
    /// reported to the managers yet has no name.
    static func list(_ bytes: [UInt8]) throws(Failure) -> [SwarmNode] {
        guard case .array(let items) = try JSONValue(parsing: bytes) else {
            throw Failure(.remote, "docker node inspect did not print a list")
        }
        guard items.count <= mostNodes else {
            throw Failure(
                .remote, "docker node inspect printed \(items.count) nodes, and a rack has at most \(mostNodes)")
        }
        return items.map { item in
            SwarmNode(
                id: item["ID"].text ?? "?", hostname: item["Description"]["Hostname"].text ?? "?",
                role: item["Spec"]["Role"].text ?? "?", state: item["Status"]["State"].text ?? "?",
                availability: item["Spec"]["Availability"].text ?? "?",
                engine: item["Description"]["Engine"]["EngineVersion"].text ?? "?",
                address: item["Status"]["Addr"].text ?? "", isLeader: item["ManagerStatus"]["Leader"] == .bool(true),
                reachability: item["ManagerStatus"]["Reachability"].text)
        }
    }
}

extension JSONValue {
    /// A member of an object; null if it is missing.
    subscript(_ name: String) -> JSONValue {
        guard case .object(let members) = self else { return .null }
        return members.first { $0.name == name }?.value ?? .null
    }

    /// A text, as it may be shown; nil if it is empty.
    var text: String? {
        guard case .string(let string) = self else { return nil }
        let text = string.printable(limit: 100)
        return text.isEmpty ? nil : text
    }
}
