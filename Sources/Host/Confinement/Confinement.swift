import CLinux
import Synchronization
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Strangers' bytes (images, archives, cards) are read by C libraries. If root itself calls piflash, this happens in
/// processes that have no rights: one for each task, with a user that owns nothing.
package enum Confinement {
    /// The argument that makes piflash such a process. A second one says what it reads; its standard input is the socket.
    package static let argument = "__read-strangers"

    /// Debian Policy 9.2.2: "nobody" and "nogroup", the same in every distribution. They own no file.
    private static let nobody: UInt32 = 65534

    private static let used = Mutex(false)

    /// Whether this process hands such work to confined ones. It is set once, at the start.
    package static var isUsed: Bool {
        get { used.withLock { $0 } }
        set { used.withLock { $0 = newValue } }
    }

    /// The confined process's side: gives up all rights, and returns the connection to its caller. Nil if this is not such a
    /// process.
    package static func begin() -> ConfinedChannel? {
        // A terminal's signals reach all processes. The caller ends this one.
        for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE] { signal(number, SIG_IGN) }
        guard geteuid() == 0, chdir("/") == 0, clinux_become(nil, nobody, nobody) == 0,
            clinux_forbid_new_privileges() == 0, clinux_forbid_dumps() == 0,
            let socket = PacketSocket(adopting: FileDescriptor(rawValue: STDIN_FILENO))
        else { return nil }
        return ConfinedChannel(socket)
    }
}
