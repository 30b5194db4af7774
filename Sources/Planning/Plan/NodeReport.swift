import Diagnostics
import Recipes

/// The problems of one node.
struct NodeReport: Sendable {
    let node: String
    /// Without a prefix length; nil if DHCP gives it.
    let address: String?
    let report: DiagnosticReport

    init(_ node: Node, _ report: DiagnosticReport) {
        self.node = node.hostname.value
        address = node.address?.value.address
        self.report = report
    }

    /// The problems of a rack: one that is the same for several nodes except for their names and addresses is reported once,
    /// for the first of them, and counts the others.
    static func merged(_ reports: [NodeReport]) -> DiagnosticReport {
        var order: [Kind] = []
        var found: [Kind: (first: Diagnostic, others: [String])] = [:]
        for report in reports {
            for diagnostic in report.report.diagnostics {
                let kind = Kind(diagnostic, of: report)
                if found[kind] == nil {
                    order.append(kind)
                    found[kind] = (diagnostic, [])
                } else if found[kind]?.first.text != diagnostic.text {
                    found[kind]?.others.append(report.node)
                }
            }
        }
        return DiagnosticReport(
            order.compactMap { found[$0] }.map { first, others in
                guard let second = others.first else { return first }
                let more = others.count > 1 ? " and \(others.count - 1) more" : ""
                return Diagnostic(
                    first.severity, at: first.location, "\(first.text); the same for \(second)\(more)")
            })
    }

    /// What makes two problems the same.
    private struct Kind: Hashable {
        let location: Location?
        let severity: Diagnostic.Severity
        let text: String

        init(_ diagnostic: Diagnostic, of report: NodeReport) {
            location = diagnostic.location
            severity = diagnostic.severity
            // A private-use character takes the place of what differs: no message contains it.
            var text = diagnostic.text.replacing(report.node, with: "\u{E000}")
            if let address = report.address { text = text.replacing(address, with: "\u{E001}") }
            self.text = text
        }
    }
}
