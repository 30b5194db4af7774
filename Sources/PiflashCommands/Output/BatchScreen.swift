import Text
import Diagnostics

/// The lines of a batch on a terminal, rewritten in place: one for each reader at work, one over all of them, and a
/// footer.
struct BatchScreen {
    private let console: Console
    /// How many cards the run has.
    private let total: Int
    private let nodeWidth: Int
    private var shownLines = 0
    private var lastShown = -Double.infinity
    /// The last line, below all cards; nil if there is none.
    var footer: String?
    /// What follows the footer if there is room for it.
    var aside = ""
    /// The user's names for readers, by device.
    var readerNames: [String: String] = [:]

    init(console: Console, nodes: [String]) {
        self.console = console
        total = nodes.count
        nodeWidth = nodes.map(\.count).max() ?? 0
    }

    /// Draws `batch` again; unless `isDue`, at most four times a second.
    mutating func draw(_ batch: BatchProgress, at now: Double, isDue: Bool) {
        guard isDue || now - lastShown >= 0.25 else { return }
        lastShown = now
        erase()
        guard !batch.meters.isEmpty || footer != nil else { return }
        // The last column stays free: some terminals wrap there.
        let width = max(10, console.width - 1)
        let meters = batch.meters.values.sorted { ($0.node, $0.device) < ($1.node, $1.device) }
        var lines = self.lines(of: meters, width: width)
        // What has scrolled off the screen cannot be rewritten: the lines for all cards, for the rest and for the
        // cursor stay visible.
        let footer = footerLines(width: width)
        let room = max(1, console.height - 3 - footer.count)
        if lines.count > room {
            lines = lines.prefix(room - 1) + ["and \(lines.count - room + 1) more"]
        }
        if !meters.isEmpty { lines.append(overall(meters, batch, width: width)) }
        lines += footer
        console.write(lines.map { $0 + "\n" }.joined())
        shownLines = lines.count
    }

    mutating func erase() {
        if shownLines > 0 { console.control(.eraseLines(shownLines)) }
        shownLines = 0
    }

    private func lines(of meters: [Meter], width: Int) -> [String] {
        let titles = meters.map { readerNames[$0.device] ?? $0.device }
        // The last part of a path distinguishes the readers; if one must be shortened, all are.
        let isNarrow = zip(meters, titles).contains { $0.line(width: .max, nodeWidth: nodeWidth, $1).count > width }
        let devices = titles.map { isNarrow ? $0.split(at: "/").last.map(String.init) ?? "" : $0 }
        let longest = devices.map(\.count).max() ?? 0
        return zip(meters, devices).map { meter, device in
            meter.line(width: width, nodeWidth: nodeWidth, TextTable.padded(device, longest))
        }
    }

    private func footerLines(width: Int) -> [String] {
        guard let footer else { return [] }
        let whole = [footer, aside].filter { !$0.isEmpty }.joined(separator: "  ")
        return whole.count <= width ? [whole] : TextTable.wrapped(footer, width: width)
    }

    private func overall(_ meters: [Meter], _ batch: BatchProgress, width: Int) -> String {
        let share: Double
        var parts: [String]
        if footer == nil {
            parts = ["\(batch.finished - batch.failed) of \(total) done"]
            if batch.failed > 0 { parts[0] += ", \(batch.failed) failed" }
            share =
                (Double(batch.finished) + meters.map(\.share).reduce(0, +)) / Double(max(1, total, batch.finished))
        } else {
            // A station counts the rack in its footer, and the next card may come at any time: this line is only about
            // the cards at work.
            parts = ["\(meters.count) \(meters.count == 1 ? "card" : "cards") at work"]
            share = meters.map(\.share).reduce(0, +) / Double(max(1, meters.count))
        }
        parts.append("\(Int(min(1, share) * 100)) %")
        let rate = meters.compactMap(\.rate).reduce(0, +)
        if rate > 0 { parts.append("\(formatBytes(Int64(rate)))/s") }
        if let seconds = meters.compactMap(\.secondsLeft).max(), seconds >= 1 {
            parts.append("\(Figures.duration(seconds)) left")
        }
        return TextTable.fitting(parts, width: width)
    }
}

/// How far the cards of a batch are.
struct BatchProgress {
    /// The cards at work, by device.
    var meters: [String: Meter] = [:]
    var finished = 0
    var failed = 0
}
