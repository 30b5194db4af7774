import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Ctrl-C and SIGTERM as a request to stop, which long work checks between chunks. A second one ends the process at
/// once; the card then has no partition table, since its first block is written last.
enum Interruption {
    private static let requests = Atomic<Int>(0)

    static var wasRequested: Bool { requests.load(ordering: .relaxed) > 0 }

    static func install() {
        let handler: @convention(c) (Int32) -> Void = { number in
            // Only async-signal-safe calls: atomics, tcsetattr and _exit.
            let seen = Interruption.requests.add(1, ordering: .relaxed).newValue
            if seen > 1 {
                RawTerminal.restore()
                _exit(128 + number)
            }
        }
        for number in [SIGINT, SIGTERM] {
            // Without SA_RESTART, so that Ctrl-C also ends waiting for an answer on the terminal.
            var action = sigaction()
            action.__sigaction_handler.sa_handler = handler
            sigaction(number, &action, nil)
        }
        // A closed pipe must not end the process while it writes a card; writes to the pipe fail instead.
        signal(SIGPIPE, SIG_IGN)
    }
}
