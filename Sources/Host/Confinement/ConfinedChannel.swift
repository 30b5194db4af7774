import Diagnostics
package import SystemPackage

/// One end of the connection between a process and the confined one that works for it.
///
/// The caller sends a request, perhaps with an open file. Until the result comes, the confined process may ask for more:
/// bytes of a store, whether to go on. A value of any length is sent in packets.
package final class ConfinedChannel: Sendable {
    package enum Kind: UInt8, Sendable {
        case request = 1, result, failure, question, answer, refusal
    }

    /// In bytes of a packet, with its first byte: well below what a socket takes at once (net.core.wmem_default, 208 KiB).
    private static let packet = 64 << 10
    /// In bytes: no message is longer.
    private static let limit = 1 << 30
    /// In the first byte: another packet of the same message follows.
    private static let more: UInt8 = 0x80

    private let socket: PacketSocket

    package init(_ socket: PacketSocket) { self.socket = socket }

    package func send(_ kind: Kind, _ bytes: [UInt8], passing file: FileDescriptor? = nil) throws(Errno) {
        var start = 0
        repeat {
            let end = min(start + Self.packet - 1, bytes.count)
            let first = kind.rawValue | (end < bytes.count ? Self.more : 0)
            try socket.send([first] + bytes[start..<end], passing: start == 0 ? file : nil)
            start = end
        } while start < bytes.count
    }

    /// The next message; nil at the end, and if what comes is not a message.
    package func receive() throws(Errno) -> (kind: Kind, bytes: [UInt8], file: FileDescriptor?)? {
        var bytes: [UInt8] = []
        var file: FileDescriptor?
        while let part = try socket.receive(limit: Self.packet) {
            if let passed = part.file {
                try? file?.close()
                file = passed
            }
            guard let kind = Kind(rawValue: part.bytes[0] & ~Self.more), bytes.count + part.bytes.count <= Self.limit
            else { break }
            bytes += part.bytes.dropFirst()
            if part.bytes[0] & Self.more == 0 { return (kind, bytes, file) }
        }
        try? file?.close()
        return nil
    }
}
