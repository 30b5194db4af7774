import CLinux
package import Diagnostics
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Two processes instead of one with root's rights.
///
/// Under sudo, piflash would be root's program in the directories of the user who called it: reading recipes, running
/// their programs, unpacking images, writing caches. So its first act is to start itself once more, as the process that opens
/// block devices and does nothing else, and then to become the user who called it, for good. What the two say to each
/// other is a ``DeviceRequest``. The process with root's rights ends with the other one.
///
/// If root itself calls, there is no other user to become. Then strangers' bytes are read in processes without rights
/// (``Confinement``).
package enum PrivilegeSeparation {
    /// The argument that makes piflash that process. Its standard input is then the socket.
    package static let serviceArgument = "__open-devices"

    /// Makes this process the user's. Does nothing if the process has not root's rights, or if root itself called.
    package static func begin(environment: [String: String]) throws(Failure) {
        guard clinux_forbid_dumps() == 0 else { throw .system("forbidding core dumps", .current) }
        guard getuid() == geteuid(), getgid() == getegid() else {
            throw Failure(
                .system, severity: .refused, "piflash must not be installed set-user-ID or set-group-ID",
                hint: "take that away (`chmod ug-s` on the program), and run it with `sudo` to write cards")
        }
        guard geteuid() == 0 else { return }
        guard let caller = SudoCaller(environment: environment) else {
            Confinement.isUsed = true
            return
        }
        DeviceOpener.current = DeviceOpener(asking: try startService(environment))
        try become(caller)
    }

    /// The service's side: the socket, and what it needs to know of its caller. Nil if this is not such a process.
    package static func serviceSocket() -> PacketSocket? {
        // A terminal's signals reach both processes. This one ends when the other has closed its end of the socket.
        for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE] { signal(number, SIG_IGN) }
        guard clinux_forbid_dumps() == 0, chdir("/") == 0 else { return nil }
        return PacketSocket(adopting: FileDescriptor(rawValue: STDIN_FILENO))
    }

    private static func startService(_ environment: [String: String]) throws(Failure) -> PacketSocket {
        let activity = "starting the process that opens cards"
        do throws(Errno) {
            let (own, other) = try PacketSocket.pair()
            // Of the environment it needs only who called.
            let words = SudoCaller.variables.compactMap { name in environment[name].map { "\(name)=\($0)" } }
            _ = try OwnProgram.start([serviceArgument], environment: words, input: other.descriptor)
            return own
        } catch { throw .system(activity, error, hint: "piflash needs /proc for it") }
    }

    private static func become(_ user: SudoCaller) throws(Failure) {
        guard clinux_become(user.name, user.userID, user.groupID) == 0 else {
            throw .system("giving up root's rights", .current)
        }
        // The kernel makes a process whose user changed untraceable only if fs.suid_dumpable is 0.
        guard clinux_forbid_dumps() == 0 else { throw .system("forbidding core dumps", .current) }
        // For the programs that a recipe names, such as `pass`: they look for their files there.
        setenv("HOME", user.home?.string ?? "/", 1)
        if let name = user.name {
            setenv("USER", name, 1)
            setenv("LOGNAME", name, 1)
        }
    }
}
