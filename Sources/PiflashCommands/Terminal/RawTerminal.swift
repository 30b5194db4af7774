import Diagnostics
import Host
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Standard input key by key: without waiting for a whole line, and without showing what is typed. Ctrl-C stays a
/// signal.
enum RawTerminal {
    /// `nonisolated(unsafe)`, since a signal handler reads it and may take no lock: it is written before `isRaw` becomes
    /// true and read only while that is true, so that the handler sees all of it.
    nonisolated(unsafe) private static var saved = termios()
    private static let isRaw = Atomic(false)

    /// The keys, until the stream is dropped; then the terminal is restored. nil if standard input is not a terminal.
    static func keys() -> AsyncStream<Character>? {
        guard !isRaw.load(ordering: .acquiring), tcgetattr(STDIN_FILENO, &saved) == 0 else { return nil }
        var raw = saved
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        isRaw.store(true, ordering: .releasing)
        guard tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0 else {
            isRaw.store(false, ordering: .releasing)
            return nil
        }
        let (keys, feed) = AsyncStream.makeStream(of: Character.self)
        let isStopped = Flag()
        feed.onTermination = { _ in
            isStopped.set()
            restore()
        }
        do throws(Failure) {
            try startThread { read(into: feed, isStopped: isStopped) }
        } catch {
            // Without keys a station still works; ending the stream restores the terminal.
            feed.finish()
            return nil
        }
        return keys
    }

    /// Restores the terminal. Async-signal-safe: an atomic exchange and tcsetattr (POSIX.1-2017, 2.4.3).
    static func restore() {
        guard isRaw.exchange(false, ordering: .acquiringAndReleasing) else { return }
        tcsetattr(STDIN_FILENO, TCSANOW, &saved)
    }

    private static func read(into feed: AsyncStream<Character>.Continuation, isStopped: Flag) {
        var bytes: [UInt8] = []
        while !isStopped.isSet {
            var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 100) > 0 else { continue }
            var byte: UInt8 = 0
            guard Glibc.read(STDIN_FILENO, &byte, 1) == 1 else { break }
            bytes.append(byte)
            // A letter may take up to four bytes (RFC 3629).
            if let text = String(validating: bytes, as: UTF8.self) {
                for character in text { feed.yield(character) }
                bytes = []
            } else if bytes.count >= 4 {
                bytes = []
            }
        }
        feed.finish()
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)
        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }
}
