import CLinux
package import SystemPackage

/// One end of a pair of connected sockets that pass messages and open files between processes (unix(7), SCM_RIGHTS).
package final class PacketSocket: Sendable {
    package let descriptor: FileDescriptor

    /// Takes over an open socket; nil if it is not one that passes messages.
    package convenience init?(adopting descriptor: FileDescriptor) {
        guard clinux_is_packet_socket(descriptor.rawValue) != 0 else { return nil }
        self.init(descriptor)
    }

    private init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

    deinit { try? descriptor.close() }

    package static func pair() throws(Errno) -> (PacketSocket, PacketSocket) {
        var ends: [Int32] = [-1, -1]
        guard clinux_packet_sockets(&ends) == 0 else { throw .current }
        return (
            PacketSocket(FileDescriptor(rawValue: ends[0])), PacketSocket(FileDescriptor(rawValue: ends[1]))
        )
    }

    /// Sends one message, with a copy of an open file if one is given.
    package func send(_ bytes: [UInt8], passing file: FileDescriptor? = nil) throws(Errno) {
        guard clinux_send(descriptor.rawValue, bytes, UInt(bytes.count), file?.rawValue ?? -1) == 0 else {
            throw .current
        }
    }

    /// The next message, of at most `limit` bytes, and the open file that came with it, which is the caller's to close;
    /// nil if the other end is closed.
    package func receive(limit: Int) throws(Errno) -> (bytes: [UInt8], file: FileDescriptor?)? {
        var bytes = [UInt8](repeating: 0, count: limit)
        var passed: Int32 = -1
        let count = clinux_receive(descriptor.rawValue, &bytes, UInt(limit), &passed)
        guard count >= 0 else { throw .current }
        let file = passed >= 0 ? FileDescriptor(rawValue: passed) : nil
        guard count > 0 else {
            try? file?.close()
            return nil
        }
        return (Array(bytes[..<count]), file)
    }
}
