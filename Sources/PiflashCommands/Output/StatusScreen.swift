import Diagnostics
import Remote
import Systems
import Recipes

/// The table of a round. The last one goes to standard output; on a terminal, each new table replaces the one before.
struct StatusScreen {
    private let console: Console
    private let form: OutputForm
    /// Whether to clear the terminal before each table.
    private let redraws: Bool

    init(console: Console, json: Bool, redraws: Bool) {
        self.console = console
        self.redraws = redraws
        form = OutputForm(json: json, console: console)
    }

    /// Shown until the slowest node has answered.
    func begin(_ count: Int, timeout: Int) {
        guard form == .terminal else { return }
        console.note("asking \(count) \(count == 1 ? "node" : "nodes"); each may take \(timeout) s")
    }

    func show(_ rows: [StatusRound.Row], isLast: Bool) {
        guard form != .json else {
            for row in rows { console.output(JSONEvent(row)) }
            return
        }
        let table = TextTable.columns(
            ["NODE", "FIRST BOOT", "DOCKER", "SWARM", "UP", "CLOCK", "TEMP", "REMARK"], rows.map(\.columns))
        if redraws, console.errorIsTerminal { console.control(.eraseScreen) }
        if isLast {
            console.output(table)
            return noteHints(rows)
        }
        let waiting = rows.filter { !$0.isSettled }.map(\.node.hostname.value)
        // Wrapped lines would make the changing table unreadable.
        let lines = table.split(separator: "\n").map { console.errorIsTerminal ? $0.prefix(console.width) : $0 }
        console.note(
            lines.joined(separator: "\n") + "\n\(rows.count - waiting.count) of \(rows.count) finished; waiting for "
                + shortList(waiting) + "; Ctrl-C ends")
        noteHints(rows)
    }

    private func noteHints(_ rows: [StatusRound.Row]) {
        for hint in rows.compactMap(\.hint) { console.note(hint) }
    }
}

extension StatusRound.Row {
    /// The next step for a node that ssh does not log in to; nil if the remark says all.
    fileprivate var hint: String? {
        guard case .failure(let failure) = result, failure.isLoginRefusal else { return nil }
        return failure.hint.map { "\(node.hostname.value): \($0)" }
    }

    fileprivate var columns: [String] {
        let name = node.hostname.value
        switch result {
        case .failure(let failure):
            // Several lines from ssh go into one cell.
            let reason = failure.message.split(whereSeparator: \.isNewline).joined(separator: " ")
            return [name, "no answer", "-", "-", "-", "-", "-", reason]
        case .success(let status):
            return [
                name, status.firstBoot?.state ?? (status.isPrepared ? "not begun" : "no report"),
                status.engine ?? (status.hasDocker ? "no answer" : "none"),
                status.isManager ? "manager" : status.swarm ?? "-", status.uptime.map(Self.duration) ?? "-",
                status.clockDifference.map(Self.difference) ?? "-",
                status.temperature.map { "\(Int($0.rounded(.toNearestOrEven)))°C" } ?? "-", remark(status),
            ]
        }
    }

    private func remark(_ status: NodeStatus) -> String {
        var words: [String] = []
        if let boot = status.firstBoot, boot.state != "done" || boot.lastError != nil {
            words.append(boot.summary)
            if !status.isSettled {
                words += [Self.begin(boot, status), boot.clock.map { "clock \($0)" }].compactMap { $0 }
            }
        }
        if let repaired = status.firstBoot?.repaired { words.append("repaired \(repaired)") }
        if !status.isSettled, let activity = Self.activity(status) { words.append(activity) }
        return (words + (status.power?.remarks ?? [])).joined(separator: "; ")
    }

    /// When the step began: "in this step for 7m", or the node's own time if its clock was set since.
    private static func begin(_ boot: FirstBootStatus, _ status: NodeStatus) -> String? {
        if let seconds = status.stepSeconds {
            return "in this step for \(seconds < 60 ? "\(seconds)s" : duration(Int(seconds)))"
        }
        return boot.since.map { "since \($0)" }
    }

    /// What a report cannot say, because the program that writes it does not run.
    private static func activity(_ status: NodeStatus) -> String? {
        switch status.program {
        case .queued:
            status.firstBoot == nil ? "its program starts soon" : "from an earlier boot; its program starts soon"
        case .stopped: "its program does not run now"
        case .running, nil: nil
        }
    }

    /// "3d 4h", "2h 5m", "7m".
    private static func duration(_ seconds: Int) -> String {
        let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60)
        if days > 0 { return "\(days)d \(hours)h" }
        return hours > 0 ? "\(hours)h \(minutes)m" : "\(minutes)m"
    }

    private static func difference(_ seconds: Int64) -> String {
        if seconds == 0 { return "ok" }
        let sign = seconds > 0 ? "+" : "-"
        return seconds.magnitude < 300 ? "\(sign)\(seconds.magnitude)s" : sign + duration(Int(seconds.magnitude))
    }
}
