import Diagnostics

/// How a running node is, by status.sh.
package struct NodeStatus: Hashable, Sendable {
    static let script = String(decoding: PackageResources.status_sh, as: UTF8.self)

    /// Nil when there is no report on the node's boot partition.
    package var firstBoot: FirstBootStatus?
    /// Whether a first-boot program of piflash is on the node at all.
    package var isPrepared: Bool
    /// "20.10.24+dfsg1"; nil when no engine answers.
    package var engine: String?
    package var hasDocker: Bool
    /// "active", "inactive", "pending", …
    package var swarm: String?
    package var isManager: Bool
    /// Seconds since the node started.
    package var uptime: Int?
    /// Seconds by which the node's clock is ahead of ours; 0 for less than the answer took.
    package var clockDifference: Int64?
    /// Degrees Celsius.
    package var temperature: Double?
    package var power: PowerState?

    /// - Parameters:
    ///   - asked, answered: our clock before and after, in seconds since 1970.
    init(_ result: RemoteResult, asked: Int64, answered: Int64) throws(Failure) {
        let answer = ScriptAnswer(result.output)
        guard answer["end"] != nil else {
            throw Failure(
                .remote, "its answer is cut short: \(SSHFailure.lastLine(result.errors) ?? "exit \(result.exit)")")
        }
        firstBoot = answer.files["status"].flatMap { FirstBootStatus(String(decoding: $0, as: UTF8.self)) }
        isPrepared = answer["piflash"] != nil || firstBoot != nil
        engine = answer["engine"]
        hasDocker = answer["docker"] != nil
        swarm = answer["swarm"]
        isManager = answer["manager"] == "true"
        uptime = answer["uptime"].flatMap { Int($0) }
        clockDifference = answer["time"].flatMap { Int64($0) }.map { $0 - min(max($0, asked), max(asked, answered)) }
        temperature = answer["temperature"].flatMap { Double($0) }
        power = answer["throttled"].flatMap { PowerState($0) }
    }

    /// Whether nothing is left to wait for: the first boot is finished, well or not.
    package var isSettled: Bool { firstBoot.map { ["done", "failed"].contains($0.state) } ?? !isPrepared }
    package var hasFailed: Bool { firstBoot?.state == "failed" }
}

/// piflash/status.txt on a card's boot partition: lines "key: value".
package struct FirstBootStatus: Hashable, Sendable {
    /// "working", "waiting", "interrupted", "failed" or "done".
    package var state: String
    package var step: String?
    /// When the step began, as the node's clock told: 2026-03-01T12:00:00Z.
    package var since: String?
    package var waitingFor: String?
    package var lastError: String?

    /// Nil for a text without a state.
    package init?(_ text: String) {
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            // A card is anybody's to write: nothing on it reaches a terminal's ears.
            let value = parts[1].unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }
            values[String(parts[0])] = String(String.UnicodeScalarView(value))[...].trimmed
        }
        guard let state = values["state"], !state.isEmpty else { return nil }
        self.state = state
        step = values["step"]
        since = values["since"]
        waitingFor = values["waiting for"]
        lastError = values["last error"]
    }

    /// In one line: "working: joining the swarm, waiting for manager 10.0.0.2 (no route to host)".
    package var summary: String {
        var text = state
        if let step, state != "done" { text += ": \(step)" }
        if let waitingFor { text += ", waiting for \(waitingFor)" }
        if let lastError { text += " (\(lastError))" }
        return text
    }
}

/// What the firmware says of the power supply and the heat: vcgencmd get_throttled, whose bits are told at
/// https://www.raspberrypi.com/documentation/computers/os.html#get_throttled
package struct PowerState: Hashable, Sendable {
    package var bits: UInt32

    init?(_ text: String) {
        guard text.hasPrefix("0x"), let bits = UInt32(text.dropFirst(2), radix: 16) else { return nil }
        self.bits = bits
    }

    /// What is or was wrong since the start; empty when nothing.
    package var remarks: [String] {
        let names = ["undervoltage", "slowed down", "throttled", "hot"]
        return names.indices.compactMap { index in
            if bits >> UInt32(index) & 1 == 1 { return "\(names[index]) now" }
            if bits >> UInt32(index + 16) & 1 == 1 { return "\(names[index]) before" }
            return nil
        }
    }
}
