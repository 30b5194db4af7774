import Diagnostics
import Foundation
import SystemPackage
import Text

@testable import Images
@testable import Provisioning
@testable import Racks

/// What piflash keeps: a rack's state in `.piflash`, and the records of the cache.
extension FuzzTarget {
    static let racks = [ledger, privateKey, stolenKeys, certificate, cacheRecord]

    /// Lines, the sums of which are right. An entry that is read is written and read again as the same.
    private static let ledger = FuzzTarget(
        "ledger",
        words: [
            "node", "result", "time", "device", "image", "recipe", "configuration", "secrets", "card", "reason",
            "uuids",
            "verified", "configured", "begun",
        ]
    ) { bytes in
        _ = LedgerLine.decode(bytes)
        let head = Array(#"{"sum":""#.utf8) + LedgerLine.sum(bytes) + Array(#"","entry":"#.utf8)
        guard let entry = LedgerLine.decode(head + bytes + Array("}".utf8)) else { return }
        let line = try LedgerLine.encode(entry)
        try require(line.count { $0 == 0x0A } == 1 && line.last == 0x0A, "an entry takes several lines")
        try require(LedgerLine.decode(line.dropLast()) == entry, "an entry that does not read back")
        var ledger = Ledger()
        ledger.add(entry)
        _ = CardState(after: ledger.last(of: entry.node), image: "", configuration: "")
    }

    /// OpenSSH's private keys, in base64 that is right.
    private static let privateKey = FuzzTarget("private-key", words: ["openssh-key-v1\0", "ssh-ed25519", "none"]) {
        bytes in
        _ = RackKeys.Pair(privateKey: String(decoding: bytes, as: UTF8.self))
        let text = Data(bytes).base64EncodedString()
        let pem = "-----BEGIN OPENSSH PRIVATE KEY-----\n\(text)\n-----END OPENSSH PRIVATE KEY-----\n"
        guard let pair = RackKeys.Pair(privateKey: pem) else { return }
        try require(RackKeys.Pair(privateKey: pair.privateKey) == pair, "a key that does not read back")
    }

    private static let stolenKeys = FuzzTarget("stolen", limit: 256, words: ["red01", "#"]) { bytes in
        let keys = NodeKeys(secret: Array(repeating: 7, count: 32), stolen: String(decoding: bytes, as: UTF8.self))
        _ = keys.pair(of: "red01")
    }

    /// A certificate and its key, in PEM.
    private static let certificate = FuzzTarget("certificate", words: ["-----BEGIN CERTIFICATE-----\n"]) { bytes in
        var input = FuzzInput(bytes)
        let kind = input.byte()
        func pem(_ name: String, _ bytes: [UInt8]) -> String {
            let text = Data(bytes).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
            return "-----BEGIN \(name)-----\n\(text)\n-----END \(name)-----\n"
        }
        let certificate = kind & 1 == 0 ? pem("CERTIFICATE", input.part()) : input.text()
        let key = kind & 2 == 0 ? pem("PRIVATE KEY", input.part()) : input.text()
        guard let authority = try? CertificateAuthority(.init(certificate: certificate, key: key)) else { return }
        _ = authority.isWhole
        _ = authority.covers(authority.pem, name: "red01", for: .client, now: 1_770_000_000)
    }

    private static let cacheRecord = FuzzTarget(
        "cache-record",
        words: [
            "identity", "sourceDigest", "imageDigest", "path", "device", "inode", "size", "modified", "changed",
            "chunks",
        ]
    ) { bytes in
        _ = try? JSONDecoder().decode(SourceIndex.self, from: Data(bytes))
        guard let note = try? JSONDecoder().decode(EntryNote.self, from: Data(bytes)) else { return }
        let file = try memoryFile([1, 2, 3], size: note.size.magnitude < 1 << 30 ? abs(note.size) : 0)
        defer { try? file.close() }
        _ = note.describes(try file.stat())
        let chunk = [UInt8](repeating: 0, count: 16)
        for number in 0..<min(note.chunks.count, 4) {
            _ = chunk.withUnsafeBytes { note.chunks.match($0, chunk: number) }
        }
        try require(
            try JSONDecoder().decode(EntryNote.self, from: JSONEncoder().encode(note)) == note,
            "a note does not read back")
    }
}
