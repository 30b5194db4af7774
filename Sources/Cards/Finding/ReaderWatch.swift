import CLinux
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Wakes when the kernel reports that a device was added, removed or changed.
///
/// The message itself is not used: the caller reads sysfs again, so that lost and forged messages do no harm.
package final class ReaderWatch: Sendable {
    /// nil if the kernel allows no listener (some containers); then ``wait(atMost:)`` only sleeps.
    private let socket: FileDescriptor?

    package init() {
        let number = clinux_uevent_socket()
        socket = number < 0 ? nil : FileDescriptor(rawValue: number)
    }

    deinit { try? socket?.close() }

    /// Returns after an event, or after `milliseconds`.
    package func wait(atMost milliseconds: Int32) {
        guard let socket else {
            usleep(UInt32(milliseconds) * 1000)
            return
        }
        var entry = pollfd(fd: socket.rawValue, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, milliseconds) > 0 else { return }
        var message: UInt64 = 0
        // Removes all messages: reading sysfs once answers them together. Reading a message's beginning removes the
        // rest too. ENOBUFS means that some were lost.
        while recv(socket.rawValue, &message, MemoryLayout.size(ofValue: message), Int32(MSG_DONTWAIT)) > 0
            || errno == ENOBUFS
        { errno = 0 }
    }
}
