package import Diagnostics
import Host

/// What happened to the cards of a rack: `.piflash/ledger` beside its recipe, one line for each event, only appended to.
///
/// An incomplete last line, which a crash can leave, is ignored; the next writer cuts it off.
package struct Ledger: Sendable {
    /// In order of time.
    package private(set) var entries: [LedgerEntry] = []
    /// The number of damaged lines; an incomplete last line does not count.
    package private(set) var damaged = 0
    private var latest: [String: LedgerEntry] = [:]
    private var unproved: Set<String> = []

    package init() {}

    /// Its name in the rack's state.
    static let name = "ledger"
    /// In bytes: a line has some 500, so that this is a rack of 1,000 nodes whose cards are written 25 times.
    static let limit = 64 << 20

    /// Reads the ledger in `directory`, a rack's state; a missing one is empty.
    init(in directory: PrivateDirectory?) throws(Failure) {
        guard let bytes = try directory?.read(Self.name, limit: Self.limit) else { return }
        let end = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let lines = bytes[..<end].split(separator: UInt8(ascii: "\n"))
        for (index, line) in lines.enumerated() {
            if let entry = LedgerLine.decode(line) {
                add(entry)
            } else if index < lines.count - 1 {
                damaged += 1
            }
        }
    }

    package mutating func add(_ entry: LedgerEntry) {
        entries.append(entry)
        latest[entry.node] = entry
        switch entry.result {
        case .written: unproved.insert(entry.node)
        case .verified, .configured: unproved.remove(entry.node)
        case .begun, .failed, .interrupted, .redo: break
        }
    }

    /// The last event of the card of `node`.
    package func last(of node: String) -> LedgerEntry? { latest[node] }

    /// Whether the last write to the card of `node` reached its end and was not verified. If the card could not be cleared
    /// then, it looks like a finished one.
    package func isUnproved(_ node: String) -> Bool { unproved.contains(node) }

    /// When the card of `node` was last written, in seconds since 1970.
    package func timeOfWriting(_ node: String) -> Int64? {
        entries.last { $0.node == node && $0.result == .verified }?.time
    }
}

/// The state of a node's card.
package enum CardState: String, Sendable, Codable, CaseIterable {
    /// Not written, or not completely.
    case pending
    case done
    /// Done, but the recipe or the image has changed since.
    case stale
    case failed

    /// - Parameter image: The digest of the node's unpacked image.
    package init(after entry: LedgerEntry?, image: String, configuration: String) {
        switch entry?.result {
        case nil, .begun, .written, .interrupted, .redo: self = .pending
        case .failed: self = .failed
        case .verified, .configured:
            self = entry?.image == image && entry?.configuration == configuration ? .done : .stale
        }
    }
}

extension RackState {
    package func ledger() throws(Failure) -> Ledger { try Ledger(in: opened()) }
}
