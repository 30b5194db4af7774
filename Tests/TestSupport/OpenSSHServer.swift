import Foundation
import Glibc

/// The machine's own sshd. As root it insists on the directory /run/sshd, which only its service makes.
package enum OpenSSHServer {
    /// The command that runs sshd with `arguments`; sshd itself is its process in the end.
    ///
    /// It runs in a mount namespace with another /run, which has that directory and nothing else. So it needs nothing of
    /// the machine's, and leaves nothing there.
    package static func command(_ arguments: [String]) throws -> [String] {
        let sshd = "/usr/sbin/sshd"
        guard FileManager.default.isExecutableFile(atPath: sshd) else {
            throw OutsideTool.Missing(description: "sshd is not installed: run `make bootstrap`")
        }
        guard geteuid() == 0 else { return [sshd] + arguments }
        let program = "mount -t tmpfs -o mode=755 tmpfs /run && mkdir -m 755 /run/sshd && exec \"$@\""
        return ["unshare", "--mount", "sh", "-c", program, "sh", sshd] + arguments
    }

    /// Runs sshd to its end.
    package static func run(_ arguments: [String]) throws -> OutsideTool.Result {
        try OutsideTool("env").run(command(arguments))
    }
}
