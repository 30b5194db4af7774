import Cards
import Diagnostics
import Host
import Storage
import SystemPackage
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// The process with root's rights decides for itself: it is asked here for what the other process would never ask for.
@Suite struct DeviceServiceTests {
    private let caller: UInt32 = 54321
    private let scratch = ScratchDirectory()

    /// Asks a service that works for `caller`, and waits until it has ended: it must, with the last end of its socket.
    private func asking<Value>(_ body: (DeviceOpener, PacketSocket) throws -> Value) throws -> Value {
        let caller = caller
        func ask() throws -> (WorkerThread<Void>, Value) {
            let (own, other) = try PacketSocket.pair()
            let service = DeviceService(socket: other, caller: caller)
            let thread = try WorkerThread<Void> { .success(service.run()) }
            return (thread, try body(DeviceOpener(asking: own), own))
        }
        let (thread, value) = try ask()
        try thread.join().get()
        return value
    }

    private func loop(owner: UInt32, options: [String] = []) throws -> LoopDevice {
        let file = scratch.write([UInt8](repeating: 0, count: 32 << 20), to: "card\(owner)-\(options.count).bin")
        #expect(chown(file.string, owner, owner) == 0)
        return try LoopDevice(over: file, options: options)
    }

    private func refusal(_ body: () throws -> FileDescriptor) -> Failure? {
        do {
            try body().close()
            return nil
        } catch {
            guard case .refused(let failure) = error as? DeviceOpener.OpenError else { return nil }
            return failure
        }
    }

    private func reason(_ body: () throws -> FileDescriptor) -> Errno? {
        do {
            try body().close()
            return nil
        } catch {
            guard case .errno(let reason) = error as? DeviceOpener.OpenError else { return nil }
            return reason
        }
    }

    @Test func `a card is opened exclusively, and its partition table is read again`() throws {
        let loop = try loop(owner: caller)
        let number = try #require(DeviceNumber(ofNode: loop.path))
        try asking { opener, _ in
            let card = try opener.open(number, .exclusive)
            let status = try card.stat()
            #expect(status.type == .blockSpecial)
            #expect(DeviceNumber(UInt64(status.specialDeviceID.rawValue)) == number)
            #expect(reason { try opener.open(number, .exclusive) } == .resourceBusy)
            // A loop device without partitions answers so, if the ioctl itself was allowed.
            #expect(throws: Errno.invalidArgument) { try opener.perform(.rereadPartitionTable, on: card) }
            try opener.perform(.flushBuffers, on: card)
            try card.close()
            let again = try opener.open(number, .exclusive)
            try again.close()
            let read = try opener.open(number, .read)
            #expect(throws: (any Error).self) { try read.writeAll(Array("x".utf8)) }
            try read.close()
        }
    }

    @Test func `a loop device over somebody else's file is refused, to read as well as to write`() throws {
        let loop = try loop(owner: 0)
        let number = try #require(DeviceNumber(ofNode: loop.path))
        try asking { opener, _ in
            for access in [DeviceAccess.read, .probe, .exclusive] {
                #expect(refusal { try opener.open(number, access) }?.code == .notYours)
            }
        }
    }

    @Test func `the system's disk, internal disks and what is no disk are refused`() throws {
        let tree = BlockDeviceTree()
        let forbidden = tree.disks().filter { $0.bus != .loop && $0.bus != .usb && $0.bus != .mmc }
        #expect(!forbidden.isEmpty, "this machine has a disk that is not a card")
        try asking { opener, _ in
            for facts in forbidden {
                let numbers = facts.number.split(separator: ":").compactMap { UInt32($0) }
                for access in [DeviceAccess.read, .probe, .exclusive] {
                    let code = refusal { try opener.open(DeviceNumber(major: numbers[0], minor: numbers[1]), access) }?
                        .code
                    #expect(code == .notACard || code == .systemDisk, "\(facts.path)")
                }
            }
            // /dev/null's number among block devices, and one that no device has.
            for number in [DeviceNumber(major: 1, minor: 3), DeviceNumber(major: 4095, minor: 1)] {
                #expect(refusal { try opener.open(number, .exclusive) } != nil)
            }
        }
    }

    @Test func `a mounted card is refused to write`() throws {
        let loop = try loop(owner: caller)
        let point = scratch["point"]
        #expect(mkdir(point.string, 0o755) == 0)
        #expect(try OutsideTool("mkfs.ext4").run(["-q", loop.path.string]).succeeded)
        #expect(try OutsideTool("mount").run([loop.path.string, point.string]).succeeded)
        defer { _ = try? OutsideTool("umount").run([point.string]) }
        let number = try #require(DeviceNumber(ofNode: loop.path))
        try asking { opener, _ in
            #expect(refusal { try opener.open(number, .exclusive) }?.code == .mounted)
            try opener.open(number, .read).close()
        }
    }

    @Test func `a partition is refused`() throws {
        let loop = try loop(owner: caller, options: ["--partscan"])
        let parted = try OutsideTool("sh").run([
            "-c", "printf 'label: dos\\n2048,8192,c\\n' | sfdisk -q --no-reread \"$0\"", loop.path.string,
        ])
        #expect(parted.succeeded, "\(parted.errors)")
        try loop.addPartitions()
        let number = try #require(
            BlockDeviceTree().facts(loop.kernelName)?.partitions.first?.number.split(separator: ":")
                .compactMap { UInt32($0) })
        try asking { opener, _ in
            let code = refusal { try opener.open(DeviceNumber(major: number[0], minor: number[1]), .read) }?.code
            #expect(code == .notAWholeDisk)
        }
    }

    @Test func `files and foreign devices are no devices to work on`() throws {
        let path = scratch.write("text", to: "file")
        let foreign = try loop(owner: 0)
        try asking { opener, _ in
            for path in [path, "/dev/null", foreign.path] {
                let file = try FileDescriptor.open(path, .readOnly)
                #expect(throws: Errno.self) { try opener.perform(.rereadPartitionTable, on: file) }
                #expect(throws: Errno.self) { try opener.perform(.flushBuffers, on: file) }
                try file.close()
            }
        }
    }

    @Test func `nonsense is not answered with a device, and does not end the service`() throws {
        let loop = try loop(owner: caller)
        let number = try #require(DeviceNumber(ofNode: loop.path))
        var random = SplitMix64(seed: 7)
        let file = try FileDescriptor.open(scratch.write("text", to: "file"), .readOnly)
        defer { try? file.close() }
        try asking { opener, own in
            for count in 1...DeviceRequest.length {
                let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
                try own.send(bytes)
                try own.send(bytes, passing: file)
                let (mine, answers) = try PacketSocket.pair()
                try own.send(bytes, passing: answers.descriptor)
                // If the bytes happen to announce a device, it waits for that until the socket is closed.
                _ = mine
            }
            try opener.open(number, .exclusive).close()
        }
    }
}
