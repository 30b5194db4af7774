import Diagnostics
import Host
import SystemPackage
import TestSupport
import Testing

/// What processes of piflash send each other. The other one may have been taken over by what it read.
@Suite struct PackedValuesTests {
    @Test func `values are read as they were written`() throws {
        var packed = PackedValues()
        packed.add(Int64.min)
        packed.add(UInt16.max)
        packed.add("Ahoi ☠")
        packed.add(String?.none)
        packed.add(String?.some(""))
        packed.add([0, 255, 0] as [UInt8])
        packed.add(
            Failure(.usage, severity: .refused, "what", hint: "next", cause: Errno.ioError))
        var values = UnpackedValues(packed.bytes)
        #expect(try values.number(Int64.self) == Int64.min)
        #expect(try values.number(UInt16.self) == UInt16.max)
        #expect(try values.text() == "Ahoi ☠")
        #expect(try values.optionalText() == nil)
        #expect(try values.optionalText() == "")
        #expect(try values.contents() == [0, 255, 0])
        let failure = try values.failure()
        #expect(failure.code == .usage)
        #expect(failure.severity == .refused)
        #expect(failure.message == "what")
        #expect(failure.hint == "next")
        #expect(failure.cause as? Errno == .ioError)
        #expect(values.isAtEnd)
    }

    @Test func `no bytes trap, and no length is believed that does not fit`() {
        var random = SplitMix64(seed: 3)
        for round in 0..<4000 {
            let bytes = (0..<Int.random(in: 0...48, using: &random)).map { place in
                round % 2 == 0 || place % 8 > 1 ? UInt8.random(in: 0...255, using: &random) : UInt8(0)
            }
            var values = UnpackedValues(bytes)
            _ = try? values.failure()
            values = UnpackedValues(bytes)
            _ = try? values.contents()
            values = UnpackedValues(bytes)
            _ = try? values.count(ofAtLeast: 8)
            _ = try? values.number(UInt8.self)
        }
        var long = PackedValues()
        long.add(Int.max)
        long.add(1)
        for read in [
            { (values: inout UnpackedValues) in _ = try values.contents() },
            { (values: inout UnpackedValues) in _ = try values.count(ofAtLeast: 1) },
            { (values: inout UnpackedValues) in _ = try values.number(Int32.self) },
        ] {
            var values = UnpackedValues(long.bytes)
            #expect(throws: Failure.self) { try read(&values) }
        }
        var negative = PackedValues()
        negative.add(-1)
        var values = UnpackedValues(negative.bytes)
        #expect(throws: Failure.self) { try values.contents() }
    }

    @Test func `a message of any length comes through a connection, and a stranger's packets end it`() throws {
        let (one, other) = try PacketSocket.pair()
        let stranger = try PacketSocket.pair()
        let sending = ConfinedChannel(one)
        let receiving = ConfinedChannel(other)
        for count in [0, 1, (64 << 10) - 1, 64 << 10, 1_000_000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let sent = try WorkerThread<Void> {
                Result { () throws(Failure) in
                    do { try sending.send(.question, bytes) } catch { throw Failure(.system, "\(error)") }
                }
            }
            let message = try #require(try receiving.receive())
            try sent.join().get()
            #expect(message.kind == .question)
            #expect(message.bytes == bytes)
        }
        try stranger.0.send([99, 1, 2])
        #expect(try ConfinedChannel(stranger.1).receive() == nil)
    }
}
