import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// This program, started once more for a task of its own.
enum OwnProgram {
    /// Starts it with `input` as its standard input, without standard output, and with the caller's standard error, for a
    /// crash. Returns its process ID.
    static func start(
        _ arguments: [String], environment: [String], input: FileDescriptor
    ) throws(Errno) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // dup2(2) leaves close-on-exec behind.
        posix_spawn_file_actions_adddup2(&actions, input.rawValue, STDIN_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        let words = (["piflash"] + arguments).map { strdup($0) } + [nil]
        let variables = environment.map { strdup($0) } + [nil]
        defer { for text in words + variables { free(text) } }
        var process = pid_t()
        // This program, whatever its name means by now (proc(5)).
        let error = posix_spawn(&process, "/proc/self/exe", &actions, nil, words, variables)
        guard error == 0 else { throw Errno(rawValue: error) }
        return process
    }
}
