package import Diagnostics
import Foundation
import Provisioning
package import Recipes

extension CardPlanner {
    /// Renders each node on its image with placeholders for its secrets, and returns the problems of all, in the nodes'
    /// order.
    package func validate(
        _ nodes: [(node: Node, image: ImageFacts)], isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> DiagnosticReport {
        let unread = CardPlanner(cache: cache, secrets: UnreadSecrets(), version: version, now: now)
        let time = now()
        // The files that a node carries are in memory meanwhile: then one node at a time.
        let carries = nodes.contains { !$0.node.docker.packages.isEmpty || !$0.node.docker.preload.isEmpty }
        let workers = carries ? 1 : max(1, ProcessInfo.processInfo.activeProcessorCount)
        let size = max(1, (nodes.count + workers - 1) / workers)
        return try await withThrowingTaskGroup(of: (Int, DiagnosticReport).self) { group in
            for start in stride(from: 0, to: nodes.count, by: size) {
                let part = nodes[start..<min(start + size, nodes.count)]
                group.addTask {
                    var report = DiagnosticReport()
                    for (node, image) in part {
                        if isCancelled() { throw Failure(.cancelled, "stopped") }
                        do {
                            let supplies = try Supplies(filesOf: node)
                            let provision = try await unread.render(
                                node, in: .placeholders(for: node), image, supplies: supplies, at: time)
                            report.merge(DiagnosticReport(provision.warnings))
                        } catch let mistakes as DiagnosticReport {
                            report.merge(mistakes)
                        }
                    }
                    return (start, report)
                }
            }
            var parts: [(Int, DiagnosticReport)] = []
            for try await part in group { parts.append(part) }
            return DiagnosticReport(parts.sorted { $0.0 < $1.0 }.flatMap(\.1.diagnostics))
        }
    }
}
