import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Ctrl-C, SIGTERM and SIGHUP (a terminal that is closed, a connection that ends) as a request to stop, which long work
/// checks between chunks. A second request ends the process at once; the card then has no partition table, since its first
/// block is written last.
enum Interruption {
    /// In milliseconds. What comes sooner is the same request: timeout(1) sends its signal to the process and then to
    /// its group, and a terminal that is closed sends SIGHUP by the kernel and by the shell.
    static let insistence: Int64 = 1000

    /// When the first request came, in milliseconds of the monotonic clock; 0 before.
    private static let first = Atomic<Int64>(0)

    static var wasRequested: Bool { first.load(ordering: .relaxed) > 0 }

    static func install() {
        let handler: @convention(c) (Int32) -> Void = { number in
            // Only async-signal-safe calls (POSIX.1-2017, 2.4.3): atomics, clock_gettime, tcsetattr and _exit.
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            let now = max(1, Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
            let (isFirst, earlier) = Interruption.first.compareExchange(
                expected: 0, desired: now, ordering: .relaxed)
            // Nobody insists by a terminal that is gone.
            guard !isFirst, number != SIGHUP, now - earlier >= Interruption.insistence else { return }
            RawTerminal.restore()
            _exit(128 + number)
        }
        for number in [SIGINT, SIGTERM, SIGHUP] where number != SIGHUP || !isIgnored(number) {
            // Without SA_RESTART, so that Ctrl-C also ends waiting for an answer on the terminal.
            var action = sigaction()
            action.__sigaction_handler.sa_handler = handler
            sigaction(number, &action, nil)
        }
        // A closed pipe must not end the process while it writes a card; writes to the pipe fail instead.
        signal(SIGPIPE, SIG_IGN)
    }

    /// nohup(1) starts a program that way.
    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        // SIG_IGN is the address 1 (bits/signum-generic.h); C function pointers cannot be compared.
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    }
}
