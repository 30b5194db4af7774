import Diagnostics
import Remote
import Systems
import Recipes

/// The events of work on running nodes.
extension JSONEvent {
    init(_ event: NodeEvent) {
        switch event {
        case .step(let node, let step): self.init("node", ["node": .string(node), "step": .string(step)])
        case .line(let node, .output(let text)):
            self.init("node-output", ["node": .string(node), "text": .string(text)])
        case .line(let node, .error(let text)):
            self.init("node-output", ["node": .string(node), "text": .string(text), "stream": .string("error")])
        case .done(let outcome): self.init(outcome)
        }
    }

    private init(_ outcome: NodeOutcome) {
        self.init(
            "node-done",
            [
                "node": .string(outcome.node), "result": .string(outcome.result.rawValue),
                "message": .string(outcome.message), "hint": outcome.hint.map { .string($0) },
                "exit": outcome.exit.map { .count($0) },
                "log": outcome.log.isEmpty ? nil : .string(outcome.log.joined(separator: "\n")),
            ])
    }

    /// The end of work on several nodes.
    init(summaryOf outcomes: [NodeOutcome]) {
        let failed = outcomes.filter(\.isFailure)
        self.init(
            "summary",
            [
                "nodes": .count(outcomes.count), "done": .count(outcomes.count { $0.result == .done }),
                "unchanged": .count(outcomes.count { $0.result == .unchanged }), "failed": .count(failed.count),
                "failed_nodes": .string(failed.map(\.node).joined(separator: " ")),
                "exit": .count(outcomes.failure?.severity.rawValue ?? 0),
            ])
    }

    /// A node's answer to `piflash status`.
    init(_ row: StatusRound.Row) {
        var members: [String: Value?] = ["node": .string(row.node.hostname.value)]
        switch row.result {
        case .failure(let failure):
            members["result"] = .string("failed")
            members["message"] = .string(failure.message)
            members["hint"] = failure.hint.map { .string($0) }
        case .success(let status):
            members["result"] = .string(status.hasFailed ? "failed" : status.isSettled ? "done" : "working")
            members.merge(Self.members(of: status)) { $1 }
        }
        self.init("status", members)
    }

    private static func members(of status: NodeStatus) -> [String: Value?] {
        let boot = status.firstBoot
        let power = status.power
        return [
            "first_boot": boot.map { .string($0.state) }, "step": boot?.step.map { .string($0) },
            "since": boot?.since.map { .string($0) }, "waiting_for": boot?.waitingFor.map { .string($0) },
            "last_error": boot?.lastError.map { .string($0) }, "step_seconds": status.stepSeconds.map { .count($0) },
            "repaired": boot?.repaired.map { .string($0) }, "clock": boot?.clock.map { .string($0) },
            "program": status.program.map { .string($0.rawValue) },
            "engine": status.engine.map { .string($0) }, "swarm": status.swarm.map { .string($0) },
            "swarm_manager": status.engine.map { _ in .string(status.isManager ? "yes" : "no") },
            "uptime": status.uptime.map { .count($0) }, "clock_difference": status.clockDifference.map { .count($0) },
            "temperature": status.temperature.map { .number($0) }, "throttled": power.map { .count($0.bits) },
            "power": power.flatMap { $0.remarks.isEmpty ? nil : .string($0.remarks.joined(separator: ", ")) },
        ]
    }
}
