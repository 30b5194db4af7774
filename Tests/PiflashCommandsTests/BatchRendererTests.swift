import Diagnostics
import Fleet
import Foundation
import Synchronization
import Testing

@testable import PiflashCommands

@Suite struct BatchRendererTests {
    /// What stands on a terminal of `width` columns after three cards have gone on for a while.
    private func screen(width: Int) -> [String] {
        let seconds = Mutex(0.0)
        let text = Mutex("")
        let console = Console(
            output: { _ in }, error: { written in text.withLock { $0 += written } }, errorIsTerminal: true,
            window: { (width, 24) })
        let renderer = BatchRenderer(
            console: console, form: .terminal, nodes: ["red00", "red01", "red02", "blue10"],
            clock: { seconds.withLock { $0 } })
        let gigabyte: Int64 = 1 << 30
        func tell(_ node: String, _ device: String, _ phase: FleetEvent.Phase, _ share: Double) {
            renderer.render(
                .progress(
                    node: node, device: device,
                    .init(phase: phase, done: Int64(share * Double(gigabyte)), total: gigabyte)))
        }
        renderer.render(.started(node: "red01", device: "/dev/sdb", work: .write))
        renderer.render(.started(node: "red02", device: "/dev/mmcblk0", work: .write))
        renderer.render(.started(node: "blue10", device: "/home/me/cards/blue10.img", work: .write))
        renderer.render(
            .finished(
                BatchOutcome(
                    node: "red00", device: "/dev/sda", work: .write, bytes: 0, changedFiles: [], imageDigest: "",
                    failure: Failure(.system, "/dev/sda fell off the bus"))))
        tell("red01", "/dev/sdb", .writing, 0)
        tell("red02", "/dev/mmcblk0", .verifying, 0)
        seconds.withLock { $0 = 10 }
        tell("red01", "/dev/sdb", .writing, 0.25)
        tell("red02", "/dev/mmcblk0", .verifying, 0.75)
        seconds.withLock { $0 = 11 }
        tell("red02", "/dev/mmcblk0", .verifying, 0.875)
        // What the last erase left.
        return text.withLock { $0 }.components(separatedBy: "\u{1B}[J").last!.split(separator: "\n").map(String.init)
    }

    @Test func `eighty columns hold node, device, phase, percent, rate and time left`() {
        #expect(
            screen(width: 80) == [
                "blue10  /home/me/cards/blue10.img  preparing",
                "red01   /dev/sdb                   writing     25 %  25.6 MiB/s  1:10 min left",
                "red02   /dev/mmcblk0               verifying   87 %  81.5 MiB/s  2 s left",
                "1 of 4 done, 1 failed  51 %  107.1 MiB/s  1:10 min left",
            ])
    }

    @Test func `a narrow terminal loses the least important first, and no line is too long`() {
        let lines = screen(width: 40)
        #expect(lines.allSatisfy { $0.count < 40 })
        #expect(
            lines == [
                "blue10  blue10.img  preparing", "red01   sdb         writing     25 %",
                "red02   mmcblk0     verifying   87 %", "1 of 4 done, 1 failed  51 %",
            ])
        for width in 1...60 { #expect(screen(width: width).allSatisfy { $0.count <= max(10, width - 1) }) }
    }

    @Test func `a wide terminal gets bars`() {
        #expect(
            screen(width: 200) == [
                "blue10  /home/me/cards/blue10.img  preparing",
                "red01   /dev/sdb                   writing    [###...........................]   25 %  25.6 MiB/s  1:10 min left",
                "red02   /dev/mmcblk0               verifying  [############################..]   87 %  81.5 MiB/s  2 s left",
                "1 of 4 done, 1 failed  51 %  107.1 MiB/s  1:10 min left",
            ])
    }
}
