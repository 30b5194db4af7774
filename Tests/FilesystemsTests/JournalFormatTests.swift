import Testing

@testable import Filesystems

@Suite struct JournalFormatTests {
    /// kernel, ext4/journal.rst, "Data Block": a copy that begins with the journal's number begins with zeros in the log, and
    /// its tag says so (flag 1; flag 8 is the last tag's). Without checksums, the tags begin at 12, their flags 6 bytes later.
    @Test func `a copy that looks like a block of the journal is changed in the log, and marked`() throws {
        let format = try JournalFormat([UInt8](repeating: 0, count: 1024), hasFeatures: false, blockSize: 1024)
        let transaction = JournalTransaction(format: format, sequence: 7, time: 1)
        let rest = [UInt8](repeating: 0x5A, count: 1020)
        for (start, flags, kept) in [
            ([0xC0, 0x3B, 0x39, 0x98], [0, 9], [0, 0, 0, 0]),
            ([0xC0, 0x3B, 0x39, 0x99], [0, 8], [0xC0, 0x3B, 0x39, 0x99]),
        ] as [([UInt8], [UInt8], [UInt8])] {
            let log = transaction.encoded([(number: 5, bytes: start + rest)])
            // A descriptor, the copy, the commit block, and an empty block.
            #expect(log.count == 4)
            #expect(Array(log[0][12..<16]) == [0, 0, 0, 5] && Array(log[0][18..<20]) == flags)
            #expect(log[1] == kept + rest)
        }
    }
}
