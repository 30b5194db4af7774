import Diagnostics
import Cards

/// The progress of one card among several.
struct Meter {
    let node: String
    let device: String
    private(set) var progress: CardEvent?
    private var phaseStart: Double
    private var phaseStartBytes: Int64 = 0
    /// The share of the work that was done when writing began.
    private var base = 0.0
    private var now: Double

    init(node: String, device: String, since: Double) {
        (self.node, self.device, phaseStart, now) = (node, device, since, since)
    }

    mutating func update(_ progress: CardEvent, at now: Double) {
        if self.progress?.phase != progress.phase {
            base = [.wiping, .comparing].contains(self.progress?.phase) ? share : base
            phaseStart = now
            phaseStartBytes = progress.done
        }
        self.progress = progress
        self.now = now
    }

    /// Bytes per second in this phase; nil until there is something to measure.
    var rate: Double? {
        guard let progress, now - phaseStart > 0.2, progress.done > phaseStartBytes else { return nil }
        return Double(progress.done - phaseStartBytes) / (now - phaseStart)
    }

    /// How much of the card's work is done, from 0 to 1: half of it is writing, half reading back. If the card is
    /// compared first, comparing counts as 90 %, since little is written then. Wiping counts as half.
    var share: Double {
        guard let progress else { return 0 }
        let part = progress.total > 0 ? min(1, Double(progress.done) / Double(progress.total)) : 1
        let rest = 1 - base
        return switch progress.phase {
        case .clearing: 0
        case .wiping: part / 2
        case .comparing: base + rest * 0.9 * part
        case .writing: base + rest * part / 2
        case .flushing: base + rest / 2
        case .verifying: base + rest * (1 + part) / 2
        case .finalizing: 1
        }
    }

    /// Until the card is done, if reading back is as fast as writing; nil if that is unknown.
    var secondsLeft: Double? {
        guard let progress, let rate else { return nil }
        let rest = Double(max(0, progress.total - progress.done)) / rate
        return switch progress.phase {
        case .writing: rest + Double(progress.total) / rate
        case .comparing, .verifying: rest
        default: nil
        }
    }

    var event: JSONEvent {
        JSONEvent(
            progress: progress.map(Progress.init), rate: rate, secondsLeft: secondsLeft, node: node, device: device)
    }

    private var percent: String? {
        guard let progress, progress.total > 0 else { return nil }
        let number = "\(min(100, progress.done * 100 / progress.total)) %"
        return String(repeating: " ", count: max(0, 5 - number.count)) + number
    }

    /// The meter as a line that starts with the node and `device`. Wide terminals get a bar; narrow ones lose the least
    /// important parts, from the right.
    func line(width: Int, nodeWidth: Int, _ device: String) -> String {
        // "verifying" and "preparing" are the longest.
        var parts = [
            TextTable.padded(node, nodeWidth), device, TextTable.padded(progress?.phase.title ?? "preparing", 9),
        ]
        if let percent { parts.append(percent) }
        if let rate { parts.append("\(formatBytes(Int64(rate)))/s") }
        if let secondsLeft, secondsLeft >= 1 { parts.append("\(Figures.duration(secondsLeft)) left") }
        if width >= 100, width < .max, percent != nil {
            let filled = Int(share * 30)
            let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
            parts.insert("[\(bar)]", at: 3)
        }
        return TextTable.fitting(parts, width: width)
    }
}
