import Text
import Diagnostics
package import Systems

/// The state of a running node, from status.sh.
package struct NodeStatus: Hashable, Sendable {
    static let script = String(decoding: PackageResources.status_sh, as: UTF8.self)
    /// What a clock can show, in seconds since 1970: a node may answer anything.
    private static let times: ClosedRange<Int64> = 0...(1 << 40)

    /// Nil if there is no report on the node's boot partition.
    package var firstBoot: FirstBootStatus?
    /// Whether the first-boot program of piflash is on the node.
    package var isPrepared: Bool
    /// Nil if it is not known: only systemd says it.
    package var program: FirstBootActivity?
    /// Seconds since the current step began, both by the node's clock. Nil if the clock was set in between, or the step is
    /// one of an earlier boot.
    package var stepSeconds: Int64?
    /// "20.10.24+dfsg1"; nil if no engine answers.
    package var engine: String?
    package var hasDocker: Bool
    /// "active", "inactive", "pending", …
    package var swarm: String?
    package var isManager: Bool
    /// Seconds since the node started.
    package var uptime: Int?
    /// Seconds by which the node's clock is ahead of ours; 0 if the difference is less than the answer took.
    package var clockDifference: Int64?
    /// Degrees Celsius.
    package var temperature: Double?
    package var power: PowerState?

    /// - Parameters:
    ///   - asked, answered: Our clock before and after, in seconds since 1970.
    init(_ result: RemoteResult, asked: Int64, answered: Int64) throws(Failure) {
        let answer = ScriptAnswer(result.output)
        guard answer["end"] != nil else {
            throw Failure(
                .remote, "its answer is cut short: \(SSHFailure.lastLine(result.errors) ?? "exit \(result.exit)")")
        }
        firstBoot = answer.files["status"].flatMap { FirstBootStatus(String(decoding: $0, as: UTF8.self)) }
        isPrepared = answer["piflash"] != nil || firstBoot != nil
        program = answer["program"].flatMap { FirstBootActivity(rawValue: $0) }
        engine = answer["engine"]
        hasDocker = answer["docker"] != nil
        swarm = answer["swarm"]
        isManager = answer["manager"] == "true"
        uptime = answer["uptime"].flatMap { Int($0) }.flatMap { Self.times.contains(Int64($0)) ? $0 : nil }
        let time = answer["time"].flatMap { Int64($0) }.flatMap { Self.times.contains($0) ? $0 : nil }
        clockDifference = time.map { $0 - min(max($0, asked), max(asked, answered)) }
        if let time, let uptime, let since = firstBoot?.since.flatMap({ UTCTime(plain: $0) }) {
            let seconds = time - since.seconds
            stepSeconds = (0...Int64(uptime)).contains(seconds) ? seconds : nil
        }
        temperature = answer["temperature"].flatMap { Double($0) }.flatMap { abs($0) < 1000 ? $0 : nil }
        power = answer["throttled"].flatMap { PowerState($0) }
    }

    /// Whether there is nothing to wait for: the first boot has ended, successfully or not.
    package var isSettled: Bool { firstBoot.map { ["done", "failed"].contains($0.state) } ?? !isPrepared }
    package var hasFailed: Bool { firstBoot?.state == "failed" }
}

/// Whether the first-boot program runs on a node.
package enum FirstBootActivity: String, Sendable {
    case running
    /// systemd is about to start it.
    case queued
    case stopped
}

/// What the firmware reports about power supply and temperature: the bits of vcgencmd get_throttled, see
/// https://www.raspberrypi.com/documentation/computers/os.html#get_throttled
package struct PowerState: Hashable, Sendable {
    package var bits: UInt32

    init?(_ text: String) {
        guard text.hasPrefix("0x"), let bits = UInt32(text.dropFirst(2), radix: 16) else { return nil }
        self.bits = bits
    }

    /// The problems now, and before since the start; empty if there were none.
    package var remarks: [String] {
        let names = ["undervoltage", "slowed down", "throttled", "hot"]
        return names.indices.compactMap { index in
            if bits >> UInt32(index) & 1 == 1 { return "\(names[index]) now" }
            if bits >> UInt32(index + 16) & 1 == 1 { return "\(names[index]) before" }
            return nil
        }
    }
}
