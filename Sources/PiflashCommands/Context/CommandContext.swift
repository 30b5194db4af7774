import Text
package import Host
import Recipes
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// All that a command may use of the outside world.
package struct CommandContext: Sendable {
    package var environment: [String: String]
    package var workingDirectory: FilePath
    package var user: InvokingUser
    package var console: Console
    /// Seconds since 1970, UTC.
    package var now: @Sendable () -> Int64
    /// Whether the user wants to stop (Ctrl-C, SIGTERM, SIGHUP).
    package var isCancelled: @Sendable () -> Bool

    package init(
        environment: [String: String], workingDirectory: FilePath, user: InvokingUser, console: Console,
        now: @escaping @Sendable () -> Int64, isCancelled: @escaping @Sendable () -> Bool
    ) {
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.user = user
        self.console = console
        self.now = now
        self.isCancelled = isCancelled
    }

    /// The real context of this process. Installs the signal handlers that make Ctrl-C a clean stop.
    package static func process() -> CommandContext {
        let environment = ProcessEnvironment.current
        let directory = getcwd(nil, 0).map { pointer in
            defer { free(pointer) }
            return FilePath(platformString: pointer)
        }
        Interruption.install()
        return CommandContext(
            environment: environment, workingDirectory: directory ?? "/", user: InvokingUser(environment: environment),
            console: .standard(environment: environment),
            now: { Int64(time(nil)) }, isCancelled: { Interruption.wasRequested })
    }

    var directories: UserDirectories { UserDirectories(user: user, environment: environment) }

    /// A path from the command line, made absolute.
    func absolute(_ path: String) -> FilePath {
        workingDirectory.pushing(FilePath(path)).lexicallyNormalized()
    }
}

extension CommandContext {
    /// Now, for people: "2026-08-17T10:15:00Z".
    var nowText: String { UTCTime(seconds: now()).iso8601 }
}
