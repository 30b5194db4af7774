import Diagnostics

/// What the progress line of one card says.
struct Figures {
    let progress: Progress
    /// Bytes per second since the phase began; nil until there is something to measure.
    let rate: Double?
    let secondsLeft: Double?

    init(_ progress: Progress, seconds: Double, startBytes: Int64) {
        self.progress = progress
        let moved = Double(progress.done - startBytes)
        rate = seconds > 0.2 && moved > 0 ? moved / seconds : nil
        secondsLeft = rate.map { Double(max(0, progress.total - progress.done)) / $0 }
    }

    func text(width: Int) -> String {
        var parts = [progress.phase.title]
        if progress.total > 0 {
            parts.append("\(min(100, progress.done * 100 / progress.total)) % of \(formatBytes(progress.total))")
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
