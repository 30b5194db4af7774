import Text
import Diagnostics
import Storage

/// The directory of a zip archive (APPNOTE.TXT 6.3.10): its entries, and where the data of plainly deflated ones is.
///
/// Everything else (stored, encrypted, split, zip64's large directories, contradictions between the directory and the
/// entry's own header) is declined, and left to libarchive.
///
/// macOS writes archives of more than 4 GiB without zip64: every number in them is the true one modulo 2^32. The places
/// are found all the same, and the size is not taken for known.
///
/// - 4.3.16, end of central directory: signature, disk(2) disk(2), entries(2) entries(2), size(4), offset(4),
///   comment(2 + n)
/// - 4.3.12, directory: signature, version(1), system of the attributes(1) at 5, version(2), flags(2) at 8, method(2),
///   time(4), CRC-32(4) at 16, packed size(4), size(4), lengths of name, extra and comment(2 each) at 28, disk(2),
///   attributes(2 + 4) at 36, offset of the header(4) at 42, name at 46, extra fields: id(2), size(2), data
/// - 4.3.7, header: signature, version(2), flags(2) at 6, method(2), …, lengths of name and extra(2 each) at 26, name
///   at 30
struct ZipDirectory {
    struct DeflatedEntry {
        /// Where its data is in the file: begins and ends, or begins and ends before, if the archive may be one of macOS.
        let range: Range<Int64>
        /// The numbers of the directory, in bytes: modulo 2^32 in an archive of macOS.
        let recordedPacked: UInt32
        let recordedSize: UInt32
        let checksum: UInt32
        /// Whether the numbers may be those of macOS.
        let mayBeLarger: Bool
        /// In bytes, unpacked; nil if it is not known.
        var size: Int64? { mayBeLarger ? nil : Int64(recordedSize) }
    }

    /// Deflate makes at most 1,032 bytes of one (zlib's "Technical Details").
    private static let largestRatio: Int64 = 1032
    /// 4.4.4: sizes follow the data, since the writer did not know them before. macOS always does this.
    private static let sizesFollow: UInt16 = 1 << 3

    private static let endSize = 22
    private static let recordSize = 46
    private static let headerSize = 30
    /// In bytes: the directory of an archive with one image is short.
    private static let limit = 1 << 20
    /// Bit 0: encrypted; 5: patch; 6: strong encryption; 13: masked header (4.4.4).
    private static let unusual: UInt16 = 1 << 0 | 1 << 5 | 1 << 6 | 1 << 13
    private static let deflate: UInt16 = 8

    private let file: ImageFile
    private let records: [UInt8]
    /// Where the directory starts in the file.
    private let start: Int64
    /// Where the entries' records start in the directory.
    private let places: [Int]
    /// In the directory's order.
    let entries: [ArchiveEntry]

    /// Nil if the place or the contents of the directory are in doubt.
    init?(of file: ImageFile) throws(Failure) {
        self.file = file
        // The file ends with a comment of at most 65,535 bytes.
        let tail = try file.bytes(at: max(0, file.size - 65557), count: Int(min(file.size, 65557)))
        var end = tail.count - Self.endSize
        while end >= 0, !Self.isEnd(tail, at: end) { end -= 1 }
        guard end >= 0, tail.u32(end + 4) == 0 else { return nil }
        let size = Int(tail.u32(end + 12))
        // Nothing is between the directory and its end record, not even a zip64 record.
        start = file.size - Int64(tail.count - end) - Int64(size)
        guard size <= Self.limit, start >= 0, UInt32(truncatingIfNeeded: start) == tail.u32(end + 16) else {
            return nil
        }
        records = try file.bytes(at: start, count: size)
        guard let places = Self.places(in: records), places.count == Int(tail.u16(end + 10)) else { return nil }
        self.places = places
        entries = places.indices.map { [records] in Self.entry($0, at: places[$0], of: records) }
    }

    /// Whether the end of the directory is at `offset`: the signature, and a comment up to the end of the file.
    private static func isEnd(_ tail: [UInt8], at offset: Int) -> Bool {
        tail[offset] == 0x50 && tail[offset...].starts(with: [0x50, 0x4B, 0x05, 0x06])
            && tail.count - offset - endSize == Int(tail.u16(offset + 20))
    }

    private static func places(in records: [UInt8]) -> [Int]? {
        var places: [Int] = []
        var record = 0
        while record < records.count {
            guard record + recordSize <= records.count, records[record...].starts(with: [0x50, 0x4B, 0x01, 0x02])
            else { return nil }
            places.append(record)
            record += recordSize + [28, 30, 32].reduce(0) { $0 + Int(records.u16(record + $1)) }
        }
        return record == records.count ? places : nil
    }

    private static func entry(_ index: Int, at record: Int, of records: [UInt8]) -> ArchiveEntry {
        let plain = name(at: record, of: records)
        let name = String(decoding: unicodeName(at: record, of: records) ?? plain, as: UTF8.self)
        let attributes = records.u32(record + 38)
        // 4.4.2: 0 is MS-DOS, whose attribute 10 (hex) is a directory; 3 is UNIX, with stat's st_mode in the upper
        // half. What zip read from its standard input has the type of a pipe or a device, and is a file all the same.
        let isFile =
            switch records[record + 5] {
            case 0: attributes & 0x10 == 0
            case 3: ![0o040000, 0o120000].contains(attributes >> 16 & 0o170000)
            default: true
            }
        return ArchiveEntry(
            index: index, name: name, size: Int64(records.u32(record + 24)), isFile: isFile && !name.ends(with: "/"),
            isEncrypted: records.u16(record + 8) & 1 != 0)
    }

    private static func name(at record: Int, of records: [UInt8]) -> ArraySlice<UInt8> {
        records[(record + recordSize)...].prefix(Int(records.u16(record + 28)))
    }

    /// 4.6.9, the extra field 7075 (hex): version 1, CRC-32(4) of the plain name, and the name in UTF-8.
    private static func unicodeName(at record: Int, of records: [UInt8]) -> ArraySlice<UInt8>? {
        let plain = name(at: record, of: records)
        var rest = records[plain.endIndex...].prefix(Int(records.u16(record + 30)))
        while rest.count >= 4 {
            let data = rest.dropFirst(4).prefix(Int(records.u16(rest.startIndex + 2)))
            if records.u16(rest.startIndex) == 0x7075, data.count > 5, data.first == 1 {
                let sum = plain.withUnsafeBytes { ZlibInflater.checksum(0, $0) }
                return records.u32(data.startIndex + 1) == sum ? data.dropFirst(5) : nil
            }
            rest = rest[data.endIndex...]
        }
        return nil
    }

    /// The data of `entry`; nil if it is not plainly deflated, or several entries have its name.
    func deflatedEntry(for entry: ArchiveEntry) throws(Failure) -> DeflatedEntry? {
        let record = places[entry.index]
        let name = Self.name(at: record, of: records)
        guard places.count(where: { Self.name(at: $0, of: records) == name }) == 1 else { return nil }
        return try deflatedEntry(at: record, name: Array(name))
    }

    private func deflatedEntry(at record: Int, name: [UInt8]) throws(Failure) -> DeflatedEntry? {
        let flags = u16(record + 8)
        let packed = u32(record + 20)
        let size = u32(record + 24)
        let offset = u32(record + 42)
        // If all bits are set, the number is in a zip64 field.
        guard flags & Self.unusual == 0, u16(record + 10) == Self.deflate, u16(record + 34) == 0,
            ![packed, size, offset].contains(.max)
        else { return nil }
        for place in stride(from: Int64(offset), through: start - Int64(Self.headerSize), by: 1 << 32) {
            guard let data = try dataBegin(ofHeaderAt: place, flags: flags, name: name) else { continue }
            let mayBeLarger = flags & Self.sizesFollow != 0 && (start - data) > (1 << 32) / Self.largestRatio
            let end = mayBeLarger && start >= 1 << 32 ? start : data + Int64(packed)
            guard end <= start, data <= end else { continue }
            return DeflatedEntry(
                range: data..<end, recordedPacked: packed, recordedSize: size, checksum: u32(record + 16),
                mayBeLarger: mayBeLarger)
        }
        return nil
    }

    /// Where the data of the entry is whose own header is at `place`; nil if another header is there, or none.
    private func dataBegin(ofHeaderAt place: Int64, flags: UInt16, name: [UInt8]) throws(Failure) -> Int64? {
        let header = try file.bytes(at: place, count: Self.headerSize)
        let nameLength = Int(header.u16(26))
        guard header.starts(with: [0x50, 0x4B, 0x03, 0x04]), header.u16(6) == flags,
            header.u16(8) == Self.deflate, nameLength == name.count,
            place + Int64(Self.headerSize + nameLength) <= start,
            try file.bytes(at: place + Int64(Self.headerSize), count: nameLength) == name
        else { return nil }
        return place + Int64(Self.headerSize + nameLength) + Int64(header.u16(28))
    }

    private func u16(_ offset: Int) -> UInt16 { records.u16(offset) }
    private func u32(_ offset: Int) -> UInt32 { records.u32(offset) }
}

extension ZipDirectory.DeflatedEntry {
    /// Unpacks the entry. Throws if its size or checksum is not that of the directory.
    func unpack<Engine: Inflater>(
        from source: ImageSource, to output: some DecoderOutput, with engine: Engine.Type,
        step: (Int64) throws(Failure) -> Void
    ) throws(Failure) {
        switch try DeflatedData.unpack(range, of: source.file, to: output, with: engine, step: step) {
        case .failure(.cut): throw .damagedArchive(source.path, "its deflate data has no end")
        case .failure(.invalid): throw .damagedArchive(source.path, "invalid deflate data")
        case .success(let data):
            guard data.checksum == checksum else { throw .damagedArchive(source.path, "wrong CRC-32") }
            let packed = data.end - range.lowerBound
            guard UInt32(truncatingIfNeeded: packed) == recordedPacked,
                UInt32(truncatingIfNeeded: data.count) == recordedSize,
                mayBeLarger || data.end == range.upperBound && data.count == Int64(recordedSize)
            else { throw .damagedArchive(source.path, "wrong size in its directory") }
        }
    }
}
