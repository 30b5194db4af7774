package import Diagnostics
import Host
package import SystemPackage

/// What has become of the cards of a rack: `.piflash/ledger` beside its recipe, one line an event, only ever appended to.
///
/// What a crash left of its last line is ignored, and cut off by the next writer.
package struct Ledger: Sendable {
    /// In the order in which they happened.
    package private(set) var entries: [LedgerEntry] = []
    /// Lines that are not as they were written; a torn last one is not counted.
    package private(set) var damaged = 0
    private var latest: [String: LedgerEntry] = [:]

    package init() {}

    /// Reads the ledger at `path`; one that is not there is empty.
    package init(at path: FilePath) throws(Failure) {
        guard let bytes = try FileContents.read(path) else { return }
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
    }

    /// The last that happened to the card of `node`.
    package func last(of node: String) -> LedgerEntry? { latest[node] }
}

/// How a node's card stands.
package enum CardState: String, Sendable, Codable, CaseIterable {
    /// Not written, or not to its end.
    case pending
    case done
    /// Done, but recipe or image have changed since.
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
    var ledgerPath: FilePath { directory.appending("ledger") }

    package func ledger() throws(Failure) -> Ledger { try Ledger(at: ledgerPath) }
}
