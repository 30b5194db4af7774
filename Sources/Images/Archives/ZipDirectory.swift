import Text
import Diagnostics
import Storage

/// Where the data of an entry of a zip archive is (APPNOTE.TXT 6.3.10), for entries that are plainly deflated.
///
/// libarchive is the judge of what is in an archive and of which entry is meant. This finds the same entry's bytes, where
/// there is no doubt about them; everything else (stored, encrypted, split, zip64's large directories, contradictions
/// between the directory and the entry's own header) is left to libarchive.
///
/// - 4.3.16, end of central directory: signature, disk(2) disk(2), entries(2) entries(2), size(4), offset(4), comment(2 + n)
/// - 4.3.12, directory: signature, versions(4), flags(2) at 8, method(2), time(4), CRC-32(4) at 16, packed size(4), size(4),
///   lengths of name, extra and comment(2 each) at 28, disk(2), attributes(6), offset of the header(4) at 42, name at 46
/// - 4.3.7, header: signature, version(2), flags(2) at 6, method(2), …, lengths of name and extra(2 each) at 26, name at 30
struct ZipDirectory {
    struct DeflatedEntry {
        /// Where its data is in the file.
        let range: Range<Int64>
        let checksum: UInt32
        /// In bytes, unpacked.
        let size: Int64
    }

    private static let endSize = 22
    private static let recordSize = 46
    private static let headerSize = 30
    /// In bytes: a directory of an archive with one image is a few lines.
    private static let limit = 1 << 20
    /// Bit 0: encrypted; 5: patch; 6: strong encryption; 13: masked header (4.4.4).
    private static let unusual: UInt16 = 1 << 0 | 1 << 5 | 1 << 6 | 1 << 13
    private static let deflate: UInt16 = 8

    private let file: ImageFile
    private let records: [UInt8]
    /// Where the directory starts in the file.
    private let start: Int64

    /// Nil where it is not plain where the directory is.
    init?(of file: ImageFile) throws(Failure) {
        self.file = file
        // A comment of at most 65,535 bytes is the last thing in the file.
        let tail = try file.bytes(at: max(0, file.size - 65557), count: Int(min(file.size, 65557)))
        var end = tail.count - Self.endSize
        while end >= 0, !Self.isEnd(tail, at: end) { end -= 1 }
        guard end >= 0, tail.u32(end + 4) == 0 else { return nil }
        let size = Int(tail.u32(end + 12))
        start = Int64(tail.u32(end + 16))
        // Nothing, a zip64 record included, is between the directory and its end.
        guard size <= Self.limit, start + Int64(size) == file.size - Int64(tail.count - end) else { return nil }
        records = try file.bytes(at: start, count: size)
    }

    /// Whether the end of the directory is at `offset`: the signature, and a comment up to the end of the file.
    private static func isEnd(_ tail: [UInt8], at offset: Int) -> Bool {
        tail[offset] == 0x50 && tail[offset...].starts(with: [0x50, 0x4B, 0x05, 0x06])
            && tail.count - offset - endSize == Int(tail.u16(offset + 20))
    }

    /// The data of the one entry called `name`; nil where there is none or several, or it is not plainly deflated.
    func deflatedEntry(named name: String, size: Int64?) throws(Failure) -> DeflatedEntry? {
        let wanted = Array(name.utf8)
        var found: [Int] = []
        var record = 0
        while record < records.count {
            guard record + Self.recordSize <= records.count,
                records[record...].starts(with: [0x50, 0x4B, 0x01, 0x02])
            else { return nil }
            let length = Int(u16(record + 28))
            let next = record + Self.recordSize + length + Int(u16(record + 30)) + Int(u16(record + 32))
            guard next <= records.count else { return nil }
            if records[(record + Self.recordSize)...].prefix(length).elementsEqual(wanted) { found.append(record) }
            record = next
        }
        guard found.count == 1, let entry = found.first else { return nil }
        return try deflatedEntry(at: entry, name: wanted, size: size)
    }

    private func deflatedEntry(at record: Int, name: [UInt8], size wanted: Int64?) throws(Failure) -> DeflatedEntry? {
        let flags = u16(record + 8)
        let packed = u32(record + 20)
        let size = u32(record + 24)
        let offset = u32(record + 42)
        // All ones: the number is in a zip64 field.
        guard flags & Self.unusual == 0, u16(record + 10) == Self.deflate, u16(record + 34) == 0,
            ![packed, size, offset].contains(.max), wanted == nil || wanted == Int64(size),
            Int64(offset) + Int64(Self.headerSize) <= start
        else { return nil }
        let header = try file.bytes(at: Int64(offset), count: Self.headerSize)
        let nameLength = Int(header.u16(26))
        let data = Int64(offset) + Int64(Self.headerSize + nameLength) + Int64(header.u16(28))
        guard header.starts(with: [0x50, 0x4B, 0x03, 0x04]), header.u16(6) == flags,
            header.u16(8) == Self.deflate, nameLength == name.count,
            data + Int64(packed) <= start,
            try file.bytes(at: Int64(offset) + Int64(Self.headerSize), count: nameLength) == name
        else { return nil }
        return DeflatedEntry(range: data..<(data + Int64(packed)), checksum: u32(record + 16), size: Int64(size))
    }

    private func u16(_ offset: Int) -> UInt16 { records.u16(offset) }
    private func u32(_ offset: Int) -> UInt32 { records.u32(offset) }
}

extension ZipDirectory.DeflatedEntry {
    /// Unpacks it; its size and checksum must be those that the directory says.
    func unpack<Engine: Inflater>(
        from source: ImageSource, to output: some DecoderOutput, with engine: Engine.Type,
        step: (Int64) throws(Failure) -> Void
    ) throws(Failure) {
        let file = try ImageFile(opening: source.path)
        switch try DeflatedData.unpack(range, of: file, to: output, with: engine, step: step) {
        case .failure(.cut): throw .damagedArchive(source.path, "its deflate data has no end")
        case .failure(.invalid): throw .damagedArchive(source.path, "invalid deflate data")
        case .success(let data):
            guard data.checksum == checksum else { throw .damagedArchive(source.path, "wrong CRC-32") }
            guard data.end == range.upperBound, data.count == size else {
                throw .damagedArchive(source.path, "wrong size in its directory")
            }
        }
    }
}
