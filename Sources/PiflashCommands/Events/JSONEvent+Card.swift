import Diagnostics
import Cards

/// The events of work on one card.
extension JSONEvent {
    /// - Parameters:
    ///   - node, device: In a batch, the card's; nil elsewhere.
    ///   - progress: nil while nothing is known about the card.
    ///   - rate: In bytes per second.
    init(
        progress: Progress?, rate: Double?, secondsLeft: Double?, node: String? = nil, device: String? = nil
    ) {
        self.init(
            "progress",
            [
                "node": node.map { .string($0) }, "device": device.map { .string($0) },
                "phase": progress.map { .string($0.phase.eventName) }, "done": progress.map { .count($0.done) },
                "total": progress.map { .count($0.total) }, "rate": rate.map { .number($0.rounded()) },
                "seconds_left": secondsLeft.map { .number($0.rounded()) },
            ])
    }

    init(notice text: String) { self.init("notice", ["text": .string(text)]) }

    /// The card of `node` was written to `target`, read back and finalized.
    init(done node: String, target: String, _ summary: CardWriter.Summary, imageDigest: String) {
        self.init(
            "card-done",
            [
                "node": .string(node), "target": .string(target), "bytes": .count(summary.verified),
                "written": .count(summary.written), "image_sha256": .string(imageDigest),
            ])
    }

    /// A remark on a recipe.
    init(_ diagnostic: Diagnostic) {
        let location = diagnostic.location
        self.init(
            "diagnostic",
            [
                "severity": .string(diagnostic.severity.rawValue), "message": .string(diagnostic.text),
                "file": location.map { .string($0.file) }, "line": location.map { .count($0.line) },
                "column": location.map { .count($0.column) },
            ])
    }

    /// The last event of a run that did not begin, because recipes have mistakes.
    init(failed mistakes: DiagnosticReport) {
        let count = mistakes.errors.count
        self.init(
            failed: Failure(
                .init("recipes.mistakes"), severity: .usage,
                "\(count) \(count == 1 ? "mistake" : "mistakes") in the recipes"))
    }

    /// The last event of a run that failed.
    init(failed failure: Failure) {
        self.init(
            "failed",
            [
                "code": .string(failure.code.rawValue), "message": .string(failure.message),
                "hint": failure.hint.map { .string($0) }, "exit": .count(failure.severity.rawValue),
            ])
    }
}
