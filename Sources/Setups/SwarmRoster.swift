package import Diagnostics
import Recipes
import Text

/// The file of a classroom exercise: which nodes become managers, and which become workers.
///
///     manager:
///       - red00
///     worker:
///       - red[01-04]
///
/// A manager may also be an IP address: one that already runs and gets no recipe.
package struct SwarmRoster: Hashable, Sendable {
    /// Host names and addresses.
    private(set) var managers: [Located<String>] = []
    private(set) var workers: [Located<String>] = []

    package init(parsing text: String, file: String) throws(DiagnosticReport) {
        var report = DiagnosticReport()
        guard let tree = RecipeValue.parse(text, file: file, &report) else { throw report }
        guard case .mapping(let entries) = tree.content else {
            report.error(at: tree.location, "expected manager: and worker:, this is \(tree.kind)")
            throw report
        }
        for entry in entries {
            switch entry.key.value {
            case "manager", "managers": managers += Self.names(entry.value, addresses: true, &report)
            case "worker", "workers": workers += Self.names(entry.value, addresses: false, &report)
            default:
                let near = nearest(to: entry.key.value, among: ["manager", "worker"]).map {
                    " (did you mean \"\($0)\"?)"
                }
                report.error(at: entry.key.location, "unknown key \(quotedKey(entry.key.value))\(near ?? "")")
            }
        }
        if managers.isEmpty, !report.hasErrors {
            report.error(at: tree.location, "manager: no node is listed, and a swarm needs a manager")
        }
        var seen: Set<String> = []
        for name in managers + workers where !seen.insert(name.value).inserted {
            report.error(at: name.location, "\"\(name.value)\" appears twice")
        }
        guard !report.hasErrors else { throw report }
    }

    private static func names(
        _ value: RecipeValue, addresses: Bool, _ report: inout DiagnosticReport
    ) -> [Located<String>] {
        let items = if case .sequence(let list) = value.content { list } else { [value] }
        var names: [Located<String>] = []
        for item in items {
            guard case .scalar(let text, _) = item.content, !text.isEmpty, item.tag == nil else {
                report.error(at: item.location, "expected a host name, this is \(item.kind)")
                continue
            }
            if addresses, IPAddress(text) != nil {
                names.append(Located(text, at: item.location))
                continue
            }
            do throws(Hostlist.Mistake) {
                let expanded = try Hostlist.expand(text)
                // One name is enough to show what is wrong with all of a range.
                if let problem = expanded.lazy.compactMap(ValueRule.hostname.problem).first {
                    report.error(at: item.location, problem)
                }
                names += expanded.map { Located($0, at: item.location) }
            } catch {
                report.error(at: item.location, error.text)
            }
        }
        return names
    }
}
