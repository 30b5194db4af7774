package import Diagnostics
import Foundation
package import Images
import Provisioning
package import Recipes
import Storage
package import Systems

extension CardPlanner {
    /// Makes the files of each node and applies them to a copy of its image in memory, as for its card, and returns the
    /// problems of all, in the nodes' order. Secrets that ``secrets`` does not read are placeholders.
    package func validate(
        _ nodes: [(node: Node, image: OpenedImages.Opened)], isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> DiagnosticReport {
        let time = now()
        // The files that a node carries are in memory meanwhile: then one node at a time.
        let carries = nodes.contains { !$0.node.docker.packages.isEmpty || !$0.node.docker.preload.isEmpty }
        let workers = carries ? 1 : max(1, ProcessInfo.processInfo.activeProcessorCount)
        let size = max(1, (nodes.count + workers - 1) / workers)
        return try await withThrowingTaskGroup(of: (Int, [NodeReport]).self) { group in
            for start in stride(from: 0, to: nodes.count, by: size) {
                let part = nodes[start..<min(start + size, nodes.count)]
                group.addTask {
                    var reports: [NodeReport] = []
                    var tried: Set<Trial> = []
                    for (node, image) in part {
                        if isCancelled() { throw Failure.stopped("before anything was written") }
                        reports.append(
                            NodeReport(
                                node,
                                try await problems(
                                    of: node, on: image, at: time, &tried, isCancelled: isCancelled)))
                    }
                    return (start, reports)
                }
            }
            var parts: [(Int, [NodeReport])] = []
            for try await part in group { parts.append(part) }
            return NodeReport.merged(parts.sorted { $0.0 < $1.0 }.flatMap(\.1))
        }
    }

    /// What was tried out, and need not be again.
    private struct Trial: Hashable {
        let image: String
        let shape: ProvisionShape
    }

    private func problems(
        of node: Node, on image: OpenedImages.Opened, at time: Int64, _ tried: inout Set<Trial>,
        isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> DiagnosticReport {
        do {
            let supplies = try Supplies(filesOf: node, isCancelled: isCancelled)
            let provision = try await render(
                node, in: .placeholders(for: node), image.facts, supplies: supplies, at: time)
            let trial = Trial(image: image.image.digest, shape: ProvisionShape(provision))
            if !tried.contains(trial) {
                try supplies.fitting(in: image.facts.root.freeBytes) { try image.tryOut(provision, at: time) }
                tried.insert(trial)
            }
            return DiagnosticReport(provision.warnings)
        } catch let mistakes as DiagnosticReport {
            return mistakes
        } catch let failure as Failure where failure.code != .cancelled {
            return DiagnosticReport([Diagnostic(failure, at: node.hostname.location)])
        }
    }
}

extension OpenedImages.Opened {
    /// Applies `provision` in memory. Throws if something cannot be done, or does not fit.
    fileprivate func tryOut(_ provision: Provision, at time: Int64) throws {
        let content = Overlay(over: image.store)
        var volume = try BootVolume.open(content, table: facts.table, at: time)
        _ = try volume.put(provision)
        _ = try RootVolume.apply(
            provision.rootChanges.map(\.edit), to: content, partition: facts.root.partition, at: time)
    }
}

extension CardPlanner {
    /// What `write` would say of the cards of `nodes` before it writes: opens their images, and validates each node's
    /// settings on its image. An image that cannot be opened is an error at the place that names it.
    package func check(
        _ nodes: [Node], events: @escaping @Sendable (ImageEvent) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) async throws -> (report: DiagnosticReport, profiles: [String: OSProfile], digests: [String: String]) {
        var report = DiagnosticReport()
        var profiles: [String: OSProfile] = [:]
        var digests: [String: String] = [:]
        var images = OpenedImages(self, events: events, isCancelled: isCancelled)
        var questions: [(node: Node, image: OpenedImages.Opened)] = []
        for node in nodes {
            guard let image = node.image else { continue }
            do {
                let opened = try images.image(of: node)
                profiles[node.hostname.value] = opened.facts.profile
                digests[node.hostname.value] = opened.image.sourceDigest
                questions.append((node, opened))
            } catch let failure as Failure where failure.code != .cancelled {
                report.merge(DiagnosticReport([Diagnostic(failure, at: image.source.location)]))
            }
        }
        report.merge(try await validate(questions, isCancelled: isCancelled))
        return (report.unrepeated, profiles, digests)
    }
}

extension Diagnostic {
    /// `failure` as an error in a recipe.
    fileprivate init(_ failure: Failure, at location: Location) {
        self.init(.error, at: location, failure.messageWithHint)
    }
}
