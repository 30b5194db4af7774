import Diagnostics
import Storage
import TestSupport

@testable import Filesystems
@testable import Host

/// Messages between processes of piflash, of which the one that reads foreign bytes may have been taken over by them.
extension FuzzTarget {
    static let messages = [packedValues, confinedQuestion, deviceRequest]

    private static let packedValues = FuzzTarget("packed-values") { bytes in
        let values = UnpackedValues(bytes)
        var table = values
        if let read = try answer({ try table.table() }) {
            var packed = PackedValues()
            packed.add(read)
            var again = UnpackedValues(packed.bytes)
            try require(try again.table() == read, "a table that does not read back")
        }
        var entry = values
        if let read = try answer({ try entry.entry() }) {
            var packed = PackedValues()
            packed.add(read)
            var again = UnpackedValues(packed.bytes)
            try require(try again.entry() == read, "an entry that does not read back")
        }
        var change = values
        if let read = try answer({ try change.change() }) {
            var packed = PackedValues()
            packed.add(read)
            var again = UnpackedValues(packed.bytes)
            try require(try again.change() == read, "a change that does not read back")
        }
        var ranges = values
        if let read = try answer({ try ranges.ranges() }) {
            _ = read.aligned(to: 4096).filling(gapsBelow: 128 << 10).subtracting(read).count
        }
        var failure = values
        _ = try answer { try failure.failure() }
    }

    private static let confinedQuestion = FuzzTarget("confined-question", limit: 512) { bytes in
        let store = MemoryStore([UInt8](repeating: 7, count: 10_000))
        _ = try answer { try ConfinedStore.answer(bytes, from: store) }
        _ = try answer { try ConfinedStore.answer(bytes, from: store, to: store) }
    }

    /// Twelve bytes ask for a device; what was read is written as the same.
    private static let deviceRequest = FuzzTarget("device-request", limit: 256) { bytes in
        if let request = DeviceRequest(bytes) {
            try require(DeviceRequest(request.bytes) == request, "a request that does not read back")
        }
        if let reply = DeviceReply(bytes) {
            try require(reply.bytes.count <= DeviceReply.limit + 1, "a reply without a limit")
            _ = DeviceReply(reply.bytes)
        }
        _ = SudoCaller(environment: ["SUDO_UID": String(decoding: bytes, as: UTF8.self)])
    }
}
