import SystemPackage
import TestSupport
import Testing

@testable import Cards

@Suite struct ReaderTests {
    private func facts(_ name: String, size: Int64 = 1 << 30, sequence: String? = nil) -> DeviceFacts {
        DeviceFacts(
            kernelName: name, number: "8:16", size: size, sectorSize: 512, bus: .usb, isBuiltIn: false,
            isRemovable: true, isReadOnly: false, partitions: [], holders: [], sequence: sequence, port: "1-2:1.0/0")
    }

    @Test func `another medium in the same reader is another card`() {
        var tracker = ReaderTracker()
        let first = tracker.update([facts("sdb", sequence: "7")])
        #expect(first.count == 1)
        #expect(tracker.update([facts("sdb", sequence: "7")]) == first)
        let second = tracker.update([facts("sdb", sequence: "8")])
        #expect(second.map(\.id) != first.map(\.id))
        // The same card again, too.
        #expect(tracker.update([facts("sdb", size: 0, sequence: "9")]).isEmpty)
        #expect(tracker.update([facts("sdb", sequence: "7")]).map(\.id) != first.map(\.id))
    }

    @Test func `without the kernel's number a card is another one after the reader was empty`() {
        var tracker = ReaderTracker()
        let first = tracker.update([facts("sdb")])
        #expect(tracker.update([facts("sdb")]) == first)
        #expect(tracker.update([facts("sdb", size: 0)]).isEmpty)
        let second = tracker.update([facts("sdb")])
        #expect(second.map(\.id) != first.map(\.id))
        #expect(tracker.update([facts("sdb", size: 2 << 30)]).map(\.id) != second.map(\.id))
        #expect(tracker.update([]).isEmpty)
    }

    @Test func `a reader's port stays when its disk gets another name`() {
        let system = FakeSystem()
        system.usbCard("sdb", "8:16")
        let port = system.tree.facts("sdb")?.port
        #expect(port == "1-2:1.0/0")
        let later = FakeSystem()
        later.disk(
            "sdq", "65:0", below: "pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host9/target9:0:0/9:0:0:0",
            attributes: ["diskseq": "41"])
        // The second slot of the same reader.
        later.disk("sdr", "65:16", below: "pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host9/target9:0:0/9:0:0:1")
        later.disk("mmcblk0", "179:0", below: FakeSystem.mmc)
        #expect(later.tree.facts("sdq")?.port == port)
        #expect(later.tree.facts("sdq")?.sequence == "41")
        #expect(later.tree.facts("sdr")?.port == "1-2:1.0/1")
        #expect(later.tree.facts("mmcblk0")?.port == "mmc0")
    }

    @Test(.timeLimit(.minutes(9))) func `a loop device that gets a file wakes the watch, and its number grows`() throws
    {
        let scratch = ScratchDirectory()
        scratch.write([UInt8](repeating: 0, count: 4096), to: "card")
        let watch = ReaderWatch()
        let tree = BlockDeviceTree()
        let first = try LoopDevice(over: scratch["card"])
        let before = tree.facts(first.kernelName)?.sequence
        // The time given is longer than the test may take: only an event ends the wait.
        watch.wait(atMost: 1_200_000)
        #expect(before != nil)
        let name = first.path.string
        #expect(try OutsideTool("losetup").run(["--detach", name]).succeeded)
        #expect(try OutsideTool("losetup").run([name, scratch["card"].string]).succeeded)
        watch.wait(atMost: 1_200_000)
        #expect(tree.facts(first.kernelName)?.sequence != before)
    }
}
