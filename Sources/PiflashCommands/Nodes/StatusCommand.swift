import ArgumentParser
import Diagnostics
import Fleet
import Foundation
import Recipes

struct StatusCommand: ContextualCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Tell how nodes are: first boot, Docker, swarm, clock, heat.",
        discussion: """
            Asks all nodes at once, over ssh. What the first boot reported stands on the
            node in piflash/status.txt on its boot partition. A node that does not answer
            is listed with the reason. Exits with 4 when some nodes do not answer or
            their first boot failed, 1 when none is well.

            EXAMPLES
              piflash status recipes/red
              piflash status --watch --accept-new class/class.yaml
              piflash status --watch --for 1800 recipes/red
              piflash status --json recipes/red
            """)

    @OptionGroup var remote: RemoteOptions

    @Flag(name: .long, help: "Ask again and again until every first boot is finished.")
    var watch = false

    @Option(name: .long, help: ArgumentHelp("Between two rounds of --watch.", valueName: "seconds"))
    var interval = 5

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("How long --watch waits; without it until all are done.", valueName: "seconds"))
    var patience: Int?

    @Option(name: .long, help: ArgumentHelp("How long a node may take to answer.", valueName: "seconds"))
    var timeout = 60

    func validate() throws {
        guard timeout >= 1, interval >= 1, patience ?? 1 >= 1 else {
            throw ValidationError("--timeout, --interval and --for are at least a second")
        }
        if patience != nil, !watch { throw ValidationError("--for is how long --watch waits: give that, too") }
    }

    func run(in context: CommandContext) async throws {
        let nodes = try remote.nodes(in: context)
        let rows = try await remote.connected(in: context) { ssh in
            let round = StatusRound(ssh: ssh, jobs: remote.jobs, limit: .seconds(timeout), now: context.now)
            let screen = StatusScreen(console: context.console, json: remote.json, redraws: watch)
            screen.begin(nodes.count, timeout: timeout)
            var rows = await round.ask(nodes)
            let end = patience.map { ContinuousClock.now + .seconds($0) }
            while watch, !Task.isCancelled {
                let now = ContinuousClock.now
                let isLast = rows.allSatisfy(\.isSettled) || end.map { now >= $0 } ?? false
                screen.show(rows, isLast: isLast)
                if isLast { return rows }
                let next = now + .seconds(interval)
                try? await Task.sleep(until: end.map { min($0, next) } ?? next)
                if Task.isCancelled { break }
                rows = await round.ask(nodes)
            }
            if !watch { screen.show(rows, isLast: true) }
            return rows
        }
        if let failure = outcomes(of: rows).failure { throw failure }
    }

    private func outcomes(of rows: [StatusRound.Row]) -> [NodeOutcome] {
        rows.map { row in
            let name = row.node.hostname.value
            switch row.result {
            case .success(let status):
                // Who is waited for and does not get there in time has failed; without --watch it is only told.
                let isBad = status.hasFailed || watch && !status.isSettled
                return NodeOutcome(name, isBad ? .failed : .done, status.firstBoot?.summary ?? "")
            case .failure(let failure): return NodeOutcome(name, failed: failure)
            }
        }
    }
}

/// The table of a round: the last one on the output; on a terminal those before it are drawn over.
private struct StatusScreen {
    let console: Console
    let json: Bool
    /// Draws over what is on the terminal.
    let redraws: Bool

    /// Until the slowest node has answered there is nothing else to see.
    func begin(_ count: Int, timeout: Int) {
        guard console.errorIsTerminal, !json else { return }
        console.note("asking \(count) \(count == 1 ? "node" : "nodes"); each may take \(timeout) s")
    }

    func show(_ rows: [StatusRound.Row], isLast: Bool) {
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            for row in rows {
                guard let data = try? encoder.encode(row.fields) else { continue }
                console.output(String(decoding: data, as: UTF8.self))
            }
            return
        }
        let table = TextTable.columns(
            ["NODE", "FIRST BOOT", "DOCKER", "SWARM", "UP", "CLOCK", "TEMP", "REMARK"], rows.map(\.columns))
        if redraws, console.errorIsTerminal { console.raw("\u{1B}[H\u{1B}[2J") }
        if isLast { return console.output(table) }
        let waiting = rows.filter { !$0.isSettled }.map(\.node.hostname.value)
        // Lines that wrap would make the table unreadable while it changes.
        let lines = table.split(separator: "\n").map { console.errorIsTerminal ? $0.prefix(console.width) : $0 }
        console.note(
            lines.joined(separator: "\n") + "\n\(rows.count - waiting.count) of \(rows.count) finished; waiting for "
                + BatchCommand.list(waiting) + "; Ctrl-C ends")
    }
}

extension StatusRound.Row {
    fileprivate var columns: [String] {
        let name = node.hostname.value
        switch result {
        case .failure(let failure):
            // Several lines of ssh's are one cell.
            let reason = failure.message.split(whereSeparator: \.isNewline).joined(separator: " ")
            return [name, "no answer", "-", "-", "-", "-", "-", reason]
        case .success(let status):
            return [
                name, status.firstBoot?.state ?? (status.isPrepared ? "not begun" : "no report"),
                status.engine ?? (status.hasDocker ? "no answer" : "none"),
                status.isManager ? "manager" : status.swarm ?? "-", status.uptime.map(Self.duration) ?? "-",
                status.clockDifference.map(Self.difference) ?? "-",
                status.temperature.map { String(format: "%.0f°C", $0) } ?? "-", remark(status),
            ]
        }
    }

    private func remark(_ status: NodeStatus) -> String {
        var words: [String] = []
        if let boot = status.firstBoot, boot.state != "done" || boot.lastError != nil { words.append(boot.summary) }
        return (words + (status.power?.remarks ?? [])).joined(separator: "; ")
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

    fileprivate var fields: [String: JSONField] {
        var fields: [String: JSONField] = ["event": .string("status"), "node": .string(node.hostname.value)]
        switch result {
        case .failure(let failure):
            fields["result"] = .string("failed")
            fields["message"] = .string(failure.message)
            if let hint = failure.hint { fields["hint"] = .string(hint) }
        case .success(let status):
            fields["result"] = .string(status.hasFailed ? "failed" : status.isSettled ? "done" : "working")
            if let boot = status.firstBoot {
                fields["first_boot"] = .string(boot.state)
                let texts = ["step": boot.step, "since": boot.since, "waiting_for": boot.waitingFor]
                for (name, text) in texts { if let text { fields[name] = .string(text) } }
                if let error = boot.lastError { fields["last_error"] = .string(error) }
            }
            if let engine = status.engine { fields["engine"] = .string(engine) }
            if let swarm = status.swarm { fields["swarm"] = .string(swarm) }
            if status.engine != nil { fields["swarm_manager"] = .string(status.isManager ? "yes" : "no") }
            if let uptime = status.uptime { fields["uptime"] = .number(Double(uptime)) }
            if let clock = status.clockDifference { fields["clock_difference"] = .number(Double(clock)) }
            if let temperature = status.temperature { fields["temperature"] = .number(temperature) }
            if let power = status.power {
                fields["throttled"] = .number(Double(power.bits))
                if !power.remarks.isEmpty { fields["power"] = .string(power.remarks.joined(separator: ", ")) }
            }
        }
        return fields
    }
}
