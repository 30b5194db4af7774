import Diagnostics
import Host
import SystemPackage
import TestSupport
import Testing

/// What the process with root's rights is asked, and what it answers.
@Suite struct DeviceRequestTests {
    @Test func `a request is read as it was written, in twelve bytes`() throws {
        let number = DeviceNumber(major: 8, minor: 0x0001_0203)
        for request in [
            DeviceRequest.open(number, .read), .open(number, .probe), .open(number, .exclusive),
            .rereadPartitionTable, .flushBuffers,
        ] {
            #expect(request.bytes.count == DeviceRequest.length)
            #expect(DeviceRequest(request.bytes) == request)
        }
    }

    @Test func `other bytes are not a request`() {
        #expect(DeviceRequest([]) == nil)
        #expect(DeviceRequest([UInt8](repeating: 1, count: 11)) == nil)
        #expect(DeviceRequest([UInt8](repeating: 1, count: 13)) == nil)
        for operation in [0, 6, 255] as [UInt8] {
            #expect(DeviceRequest([operation] + [UInt8](repeating: 0, count: 11)) == nil)
        }
        // The operation is a number of 32 bits.
        #expect(DeviceRequest([1, 1] + [UInt8](repeating: 0, count: 10)) == nil)
    }

    @Test func `an answer is read as it was written`() throws {
        guard case .done = DeviceReply(DeviceReply.done.bytes) else {
            Issue.record("done")
            return
        }
        guard case .failed(.resourceBusy) = DeviceReply(DeviceReply.failed(.resourceBusy).bytes) else {
            Issue.record("failed")
            return
        }
        let failure = Failure(Failure.Code("cards.mounted"), severity: .refused, "/dev/sdb is mounted", hint: "umount")
        guard case .refused(let read) = DeviceReply(DeviceReply.refused(failure).bytes) else {
            Issue.record("refused")
            return
        }
        #expect(read.code == failure.code)
        #expect(read.severity == .refused)
        #expect(read.message == failure.message)
        #expect(read.hint == failure.hint)
    }

    @Test func `no bytes trap, and a long text is cut`() {
        var random = SplitMix64(seed: 14)
        for count in 0..<64 {
            _ = DeviceReply((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
        let long = Failure(.system, severity: .refused, String(repeating: "x", count: 10_000))
        #expect(DeviceReply.refused(long).bytes.count == DeviceReply.limit)
    }

    @Test func `a message and an open file come through whole, and the end is seen`() throws {
        let scratch = ScratchDirectory()
        let path = scratch.write("yo-ho-ho", to: "file")
        let (one, other) = try PacketSocket.pair()
        let file = try FileDescriptor.open(path, .readOnly)
        try one.send([1, 2, 3], passing: file)
        try file.close()
        let message = try #require(try other.receive(limit: 16))
        #expect(message.bytes == [1, 2, 3])
        let passed = try #require(message.file)
        var text = [UInt8](repeating: 0, count: 16)
        let count = try text.withUnsafeMutableBytes { try passed.read(into: $0) }
        #expect(String(decoding: text[..<count], as: UTF8.self) == "yo-ho-ho")
        try passed.close()

        try one.send([UInt8](repeating: 0, count: 17))
        #expect(throws: Errno.self) { try other.receive(limit: 16) }

        let plain = try FileDescriptor.open(path, .readOnly)
        #expect(PacketSocket(adopting: plain) == nil)
        try plain.close()
    }
}
