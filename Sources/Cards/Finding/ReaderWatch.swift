import CLinux
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Wakes when the kernel tells that a device came, went or changed.
///
/// What came is not read from the message: sysfs is looked at anew, so that no lost message and no forged one does harm.
package final class ReaderWatch: Sendable {
    /// nil where the kernel lets nobody listen (some containers): then it wakes by the clock only.
    private let socket: FileDescriptor?

    package init() {
        let number = clinux_uevent_socket()
        socket = number < 0 ? nil : FileDescriptor(rawValue: number)
    }

    deinit { try? socket?.close() }

    /// Returns when there was an event, at the latest after `milliseconds`.
    package func wait(atMost milliseconds: Int32) {
        guard let socket else {
            usleep(UInt32(milliseconds) * 1000)
            return
        }
        var entry = pollfd(fd: socket.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, milliseconds) > 0 else { return }
        var message: UInt64 = 0
        // All that wait: one look at sysfs answers them together. The rest of a message goes with its beginning; ENOBUFS
        // says that some were lost.
        while recv(socket.rawValue, &message, MemoryLayout.size(ofValue: message), Int32(MSG_DONTWAIT)) > 0
            || errno == ENOBUFS
        { errno = 0 }
    }
}
