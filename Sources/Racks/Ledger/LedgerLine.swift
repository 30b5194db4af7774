import Text
import Crypto
import FoundationEssentials

/// A line of the ledger: `{"sum":"SIXTEEN HEX DIGITS","entry":{…}}`. The sum is the beginning of the SHA-256 of the entry's
/// bytes. A line that a crash cut off, or that somebody edited, does not match its sum.
enum LedgerLine {
    private static let head = Array(#"{"sum":""#.utf8)
    private static let middle = Array(#"","entry":"#.utf8)
    private static let digits = 16

    /// The line of `entry`, with its line end.
    static func encode(_ entry: LedgerEntry) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = Array(try encoder.encode(entry))
        return head + sum(body) + middle + body + Array("}\n".utf8)
    }

    /// The entry of `line` (without its line end); nil if it is damaged.
    static func decode(_ line: some Collection<UInt8>) -> LedgerEntry? {
        let line = Array(line)
        let start = head.count + digits + middle.count
        guard line.count > start, line.starts(with: head), line.last == UInt8(ascii: "}"),
            line[(head.count + digits)...].starts(with: middle)
        else { return nil }
        let body = Array(line[start..<(line.count - 1)])
        guard Array(line[head.count..<(head.count + digits)]) == sum(body) else { return nil }
        return try? JSONDecoder().decode(LedgerEntry.self, from: Data(body))
    }

    static func sum(_ bytes: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: bytes).prefix(digits / 2).hex.utf8)
    }
}
