import Diagnostics
import Recipes

/// Where a swarm's manager is reached.
enum SwarmAddress {
    /// "host:port" as Docker takes it, with the swarm's own port (2377) when none is given; nil, and reported, when the
    /// text is no address.
    static func normalized(_ manager: Located<String>, report: inout DiagnosticReport) -> String? {
        let text = manager.value
        let known = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: ".:[]_-".utf8.contains(byte)
            }
        }
        guard known, !text.isEmpty, !text.hasPrefix("-") else {
            report.error(at: manager.location, "swarm.managers: \"\(text)\" is no address of a manager")
            return nil
        }
        if text.hasPrefix("[") { return text.hasSuffix("]") ? text + ":2377" : text }
        return switch text.filter({ $0 == ":" }).count {
        case 0: text + ":2377"
        case 1: text
        default: "[\(text)]:2377"
        }
    }
}
