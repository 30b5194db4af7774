import Diagnostics
import Testing

@testable import Cards
@testable import PiflashCommands

@Suite struct DeviceListingTests {
    private func disk(_ name: String, _ bus: DeviceFacts.Bus, removable: Bool = false, builtIn: Bool = false)
        -> DeviceFacts
    {
        DeviceFacts(
            kernelName: name, number: "240:9", size: 32 << 30, sectorSize: 512, model: "Reader", vendor: nil,
            serial: nil,
            cid: nil, bus: bus, isBuiltIn: builtIn, isRemovable: removable, isReadOnly: false, partitions: [],
            holders: [],
            backingFile: bus == .loop ? "/a" : nil, sequence: nil, port: "1")
    }

    private let mounted = Failure(
        .mounted, severity: .refused, "/dev/sdc is mounted on /media/me/boot",
        hint: "unmount it: `umount /media/me/boot`")
    private let system = Failure(
        .systemDisk, severity: .refused, "/dev/mmcblk0 is the disk this system runs from", hint: "`piflash devices`")

    @Test func `a card that is refused is listed below the others, with the reason and the way out`() {
        let listing = DeviceListing(
            [(disk("sdb", .usb, removable: true), []), (disk("sdc", .usb, removable: true), [mounted])], all: false)
        let lines = listing.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines.count == 6 && lines[0].hasPrefix("DEVICE") && lines[1].hasPrefix("/dev/sdb "), "\(lines)")
        #expect(
            lines.dropFirst(2) == [
                "", "/dev/sdc (32 GiB, usb, Reader) cannot be written now:", "  /dev/sdc is mounted on /media/me/boot",
                "    hint: unmount it: `umount /media/me/boot`",
            ])
    }

    @Test func `no advice to unmount comes with the system's own disk`() {
        let facts = disk("mmcblk0", .mmc, removable: false)
        let text = DeviceListing([(facts, [system, mounted])], all: false).text
        #expect(text.hasPrefix("/dev/mmcblk0 (") && text.contains("runs from") && !text.contains("umount"), "\(text)")
    }

    @Test(arguments: [
        (DeviceFacts.Bus.usb, true, false, true), (.usb, false, false, true), (.mmc, false, false, true),
        (.mmc, false, true, false), (.ata, true, false, true), (.ata, false, false, false),
        (.nvme, false, false, false),
        (.loop, false, false, false),
    ])
    func `only what nobody takes for a card is left out`(
        _ bus: DeviceFacts.Bus, _ removable: Bool, _ builtIn: Bool, _ listed: Bool
    ) {
        let facts = disk("x", bus, removable: removable, builtIn: builtIn)
        #expect(DeviceListing([(facts, [mounted])], all: false).rows.isEmpty == !listed)
        #expect(DeviceListing([(facts, [mounted])], all: true).rows.count == 1)
        #expect(DeviceListing([(facts, [])], all: false).rows.count == 1)
    }
}
