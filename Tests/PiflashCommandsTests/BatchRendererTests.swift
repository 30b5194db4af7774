import Diagnostics
import Cards
import Racks
import Foundation
import Synchronization
import Testing

@testable import PiflashCommands

@Suite struct BatchRendererTests {
    /// What a terminal of `width` columns shows after three cards have been at work for a while.
    private func screen(width: Int, footer: String? = nil, aside: String = "") -> [String] {
        let seconds = Mutex(0.0)
        let text = Mutex("")
        let console = Console(
            output: { _ in }, error: { written in text.withLock { $0 += written } }, errorIsTerminal: true,
            window: { (width, 24) })
        let renderer = BatchRenderer(
            console: console, form: .terminal, nodes: ["red00", "red01", "red02", "blue10"],
            clock: { seconds.withLock { $0 } })
        let gigabyte: Int64 = 1 << 30
        func report(_ node: String, _ device: String, _ phase: CardEvent.Phase, _ share: Double) {
            renderer.render(
                .progress(
                    node: node, device: device,
                    .init(phase: phase, done: Int64(share * Double(gigabyte)), total: gigabyte)))
        }
        if let footer { renderer.footer(footer, aside: aside) }
        renderer.render(.started(node: "red01", device: "/dev/sdb", work: .write))
        renderer.render(.started(node: "red02", device: "/dev/mmcblk0", work: .write))
        renderer.render(.started(node: "blue10", device: "/home/me/cards/blue10.img", work: .write))
        renderer.render(
            .finished(
                BatchOutcome(
                    node: "red00", device: "/dev/sda", work: .write, bytes: 0, changedFiles: [], imageDigest: "",
                    failure: Failure(.system, "/dev/sda fell off the bus"))))
        report("red01", "/dev/sdb", .writing, 0)
        report("red02", "/dev/mmcblk0", .verifying, 0)
        seconds.withLock { $0 = 10 }
        report("red01", "/dev/sdb", .writing, 0.25)
        report("red02", "/dev/mmcblk0", .verifying, 0.75)
        seconds.withLock { $0 = 11 }
        report("red02", "/dev/mmcblk0", .verifying, 0.875)
        // What the last erase left.
        return text.withLock { $0 }.components(separatedBy: "\u{1B}[J").last!.split(separator: "\n").map(String.init)
    }

    @Test func `eighty columns hold node, device, phase, percent, rate and time left`() {
        #expect(
            screen(width: 80) == [
                "blue10  /home/me/cards/blue10.img  preparing",
                "red01   /dev/sdb                   writing     25 %  25.6 MiB/s  1:10 min left",
                "red02   /dev/mmcblk0               verifying   87 %  81.5 MiB/s  2 s left",
                "0 of 4 done, 1 failed  51 %  107.1 MiB/s  1:10 min left",
            ])
    }

    @Test func `a narrow terminal loses the least important first, and no line is too long`() {
        let lines = screen(width: 40)
        #expect(lines.allSatisfy { $0.count < 40 })
        #expect(
            lines == [
                "blue10  blue10.img  preparing", "red01   sdb         writing     25 %",
                "red02   mmcblk0     verifying   87 %", "0 of 4 done, 1 failed  51 %",
            ])
        for width in 1...60 { #expect(screen(width: width).allSatisfy { $0.count <= max(10, width - 1) }) }
    }

    @Test func `under a station's count, the line over all cards counts only those that are in`() {
        let lines = screen(width: 80, footer: "7 of 24 done; put in a card for red08", aside: "[s p r q ?]")
        #expect(
            lines.suffix(2) == [
                "3 cards at work  35 %  107.1 MiB/s  1:10 min left",
                "7 of 24 done; put in a card for red08  [s p r q ?]",
            ])
    }

    @Test func `a footer that is too long loses what is beside it, then is broken between words`() {
        let question = "7 of 24 done; write over the card in the left reader? y or n"
        #expect(screen(width: 62, footer: question, aside: "[s p r q ?]").last == question)
        #expect(
            screen(width: 40, footer: question, aside: "[s p r q ?]").suffix(2) == [
                "7 of 24 done; write over the card in", "the left reader? y or n",
            ])
        for width in 11...80 {
            let lines = screen(width: width, footer: question, aside: "[s p r q ?]")
            #expect(lines.allSatisfy { $0.count < width })
            #expect(lines.joined(separator: " ").contains("y or n"), "\(width): \(lines)")
        }
    }

    @Test func `a wide terminal gets bars`() {
        #expect(
            screen(width: 200) == [
                "blue10  /home/me/cards/blue10.img  preparing",
                "red01   /dev/sdb                   writing    [###...........................]   25 %  25.6 MiB/s  1:10 min left",
                "red02   /dev/mmcblk0               verifying  [############################..]   87 %  81.5 MiB/s  2 s left",
                "0 of 4 done, 1 failed  51 %  107.1 MiB/s  1:10 min left",
            ])
    }
}

@Suite struct MeterTests {
    private func shares(_ steps: [(CardEvent.Phase, Int64, Int64)]) -> [Double] {
        var meter = Meter(node: "red01", device: "/dev/sdb", since: 0)
        return steps.enumerated().map { second, step in
            meter.update(.init(phase: step.0, done: step.1, total: step.2), at: Double(second))
            return (meter.share * 1000).rounded() / 1000
        }
    }

    @Test func `comparing is nearly all of the work, also when nothing differs`() {
        #expect(
            shares([
                (.clearing, 2, 2), (.comparing, 0, 100), (.comparing, 50, 100), (.comparing, 100, 100),
                (.writing, 0, 0), (.flushing, 0, 0), (.verifying, 0, 0), (.finalizing, 0, 1),
            ]) == [0, 0, 0.45, 0.9, 0.95, 0.95, 1, 1])
    }

    @Test func `the share of the work never goes back, also where comparing or wiping is given up for writing`() {
        let steps: [(CardEvent.Phase, Int64, Int64)] = [
            (.clearing, 0, 2), (.wiping, 0, 100), (.wiping, 100, 100), (.comparing, 0, 100), (.comparing, 40, 100),
            (.writing, 0, 80), (.writing, 80, 80), (.flushing, 80, 80), (.verifying, 0, 100), (.verifying, 100, 100),
            (.finalizing, 0, 1), (.finalizing, 1, 1),
        ]
        let found = shares(steps)
        #expect(found == found.sorted() && found[2] == 0.5 && found[4] == 0.68 && found[5] == 0.68)
    }
}
