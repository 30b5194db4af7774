/// The beginning and the end of an output of any length.
struct BoundedOutput: Sendable {
    private let half: Int
    private var head: [UInt8] = []
    private var tail: [UInt8] = []
    /// Bytes between the two that were dropped.
    private(set) var omitted = 0

    init(limit: Int) { half = limit / 2 }

    mutating func append(_ bytes: some Collection<UInt8>) {
        let room = half - head.count
        if room > 0 { head += bytes.prefix(room) }
        let rest = bytes.dropFirst(max(0, room))
        guard !rest.isEmpty else { return }
        tail += rest
        // Rarely, so that each byte is moved once on average.
        if tail.count > half * 2 { trim() }
    }

    private mutating func trim() {
        guard tail.count > half else { return }
        omitted += tail.count - half
        tail.removeFirst(tail.count - half)
    }

    /// What was kept, with a line in between that says how much was left out.
    var bytes: [UInt8] {
        var copy = self
        copy.trim()
        guard copy.omitted > 0 else { return copy.head + copy.tail }
        return copy.head + Array("\n[… \(copy.omitted) bytes left out …]\n".utf8) + copy.tail
    }
}

/// Splits a stream into lines as it arrives.
struct LineSplitter: Sendable {
    /// In bytes. A longer line is passed on in pieces.
    private static let longest = 1 << 16
    private var rest: [UInt8] = []

    mutating func append(_ bytes: [UInt8], _ body: (String) -> Void) {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let last = lines.removeLast()
        for line in lines {
            body(String(decoding: rest + line, as: UTF8.self))
            rest = []
        }
        rest += last
        if rest.count > Self.longest { finish(body) }
    }

    mutating func finish(_ body: (String) -> Void) {
        guard !rest.isEmpty else { return }
        body(String(decoding: rest, as: UTF8.self))
        rest = []
    }
}
