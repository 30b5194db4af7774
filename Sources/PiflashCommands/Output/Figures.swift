import Diagnostics
import Fleet

/// What the progress line of one card says.
struct Figures {
    let progress: FleetEvent.Progress
    /// Bytes per second since the phase began; nil until there is something to measure.
    let rate: Double?
    let secondsLeft: Double?

    init(_ progress: FleetEvent.Progress, seconds: Double, startBytes: Int64) {
        self.progress = progress
        let moved = Double(progress.done - startBytes)
        rate = seconds > 0.2 && moved > 0 ? moved / seconds : nil
        secondsLeft = rate.flatMap { rate in progress.total.map { Double(max(0, $0 - progress.done)) / rate } }
    }

    func text(width: Int) -> String {
        var parts = [progress.phase.rawValue]
        if let total = progress.total, total > 0 {
            parts.append("\(min(100, progress.done * 100 / total)) % of \(formatBytes(total))")
        } else if progress.done > 0 {
            parts.append(formatBytes(progress.done))
        }
        if let rate { parts.append("\(formatBytes(Int64(rate)))/s") }
        if let secondsLeft, secondsLeft >= 1 { parts.append("\(Self.duration(secondsLeft)) left") }
        let line = parts.joined(separator: "  ")
        return line.count > width ? String(line.prefix(width)) : line
    }

    var event: JSONEvent { JSONEvent(progress: progress, rate: rate, secondsLeft: secondsLeft) }

    /// "7 s", "1:10 min".
    static func duration(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        return whole < 60 ? "\(whole) s" : "\(whole / 60):\(whole % 60 < 10 ? "0" : "")\(whole % 60) min"
    }
}
