import Diagnostics
import Racks

/// The events of a batch.
extension JSONEvent {
    init(started node: String, device: String, work: CardWork) {
        self.init(
            "card-started", ["node": .string(node), "device": .string(device), "work": .string(work.rawValue)])
    }

    init(_ outcome: BatchOutcome) {
        var members: [String: Value?] = [
            "node": .string(outcome.node), "device": .string(outcome.device), "work": .string(outcome.work.rawValue),
        ]
        guard let failure = outcome.failure else {
            members["target"] = .string(outcome.device)
            members["bytes"] = .count(outcome.bytes)
            members["image_sha256"] = .string(outcome.imageDigest)
            self.init("card-done", members)
            return
        }
        members["code"] = .string(failure.code.rawValue)
        members["message"] = .string(failure.message)
        members["hint"] = failure.hint.map { .string($0) }
        self.init(outcome.isInterrupted ? "card-interrupted" : "card-failed", members)
    }

    /// The end of a batch. `left` are the nodes that still need a card; `failure` is what the run ends with.
    init(done: Int, failed: Int, left: [String], failure: Failure?) {
        self.init(
            "batch-done",
            [
                "done": .count(done), "failed": .count(failed), "left": .count(left.count),
                "left_nodes": .string(left.joined(separator: " ")), "exit": .count(failure?.severity.rawValue ?? 0),
            ])
    }
}

/// The events of a station.
extension JSONEvent {
    /// nil for the events of its cards, which are those of a batch.
    init?(_ event: StationEvent) {
        switch event {
        case .batch: return nil
        case .waiting(let state): self.init(state)
        case .finishedCard(let node, let reader): self.init("card-known", reader, ["node": .string(node)])
        case .noNodeLeft(let reader): self.init("card-spare", reader)
        case .refused(let failure, let reader):
            self.init(
                "card-refused", reader,
                [
                    "code": .string(failure.code.rawValue), "message": .string(failure.message),
                    "hint": failure.hint.map { .string($0) },
                ])
        case .question(let text, let reader): self.init("card-question", reader, ["message": .string(text)])
        case .leftAlone(let reader): self.init("card-left-alone", reader)
        case .removed(let reader): self.init("card-removed", reader)
        case .answer(let text): self.init(notice: text)
        }
    }

    private init(_ state: StationState) {
        self.init(
            "station",
            [
                "next": .string(state.left.first ?? ""), "left": .count(state.left.count), "done": .count(state.done),
                "total": .count(state.total), "running": .string(state.running.joined(separator: " ")),
            ])
    }

    private init(_ name: String, _ reader: StationReader, _ more: [String: Value?] = [:]) {
        let members: [String: Value?] = [
            "device": .string(reader.device), "reader": reader.name.map { .string($0) },
        ]
        self.init(name, members.merging(more) { $1 })
    }
}
