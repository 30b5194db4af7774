import Text
import CZlib
import Diagnostics
import Storage

/// A gzip file (RFC 1952): one or more members, each with a header, deflate data and a trailer.
///
/// A header (2.3) is ID1 ID2 CM FLG MTIME(4) XFL OS, then the parts that FLG announces: XLEN(2) and as many bytes, the
/// file's name and a comment, each ended by a zero, and a CRC-16 of the header. The trailer is CRC-32 and ISIZE, the
/// size modulo 2^32. Numbers are little-endian.
struct GzipFile {
    /// In bytes: the standard allows two texts of any length in a header; real headers are shorter than this.
    private static let headerLimit = 256 << 10
    private static let fixedHeaderSize = 10
    private static let trailerSize: Int64 = 8

    /// The bits of FLG (2.3.1).
    private enum Flag {
        static let headerChecksum: UInt8 = 2
        static let extra: UInt8 = 4
        static let name: UInt8 = 8
        static let comment: UInt8 = 16
        static let reserved: UInt8 = 0xE0
    }

    private let source: ImageSource
    private let file: ImageFile

    init(_ source: ImageSource) {
        self.source = source
        file = source.file
    }

    /// Throws if it is damaged or truncated.
    func check() throws(Failure) {
        _ = try unpack(to: Discarded(), with: FastestInflater.self) { (_) throws(Failure) in }
    }

    /// In bytes: what a vendor puts behind an image, as OpenWrt does (for which boards it is, and a signature).
    private static let metadataLimit: Int64 = 64 << 10

    /// Unpacks all members in order.
    ///
    /// Returns how many bytes of something else follow them; zeros, which some programs fill up with, do not count. Throws
    /// if that may be the rest of a damaged or truncated member: it begins as one, with one of the two bytes or both, or is
    /// long.
    func unpack<Engine: Inflater>(
        to output: some DecoderOutput, with engine: Engine.Type, step: (Int64) throws(Failure) -> Void
    ) throws(Failure) -> Int64 {
        var position: Int64 = 0
        repeat {
            let start = position + Int64(try headerSize(at: position))
            let data: DeflatedData
            switch try DeflatedData.unpack(
                start..<max(start, file.size), of: file, to: output, with: engine, step: step)
            {
            case .success(let inflated): data = inflated
            case .failure(.cut): throw .truncatedArchive(source.path, "its deflate data has no end")
            case .failure(.invalid): throw .damagedArchive(source.path, "invalid deflate data")
            }
            guard data.end + Self.trailerSize <= file.size else {
                throw .truncatedArchive(source.path, "truncated trailer")
            }
            let trailer = try file.bytes(at: data.end, count: Int(Self.trailerSize))
            guard trailer.u32(0) == data.checksum else {
                throw .damagedArchive(source.path, "wrong CRC-32")
            }
            guard trailer.u32(4) == UInt32(truncatingIfNeeded: data.count) else {
                throw .damagedArchive(source.path, "wrong size in its trailer")
            }
            position = data.end + Self.trailerSize
        } while try isMember(at: position)
        let rest = file.size - position
        guard rest > 0, try !source.isZero(from: position) else { return 0 }
        let head = try file.bytes(at: position, count: Int(min(rest, 2)))
        guard rest <= Self.metadataLimit, head[0] != 0x1F, head.count < 2 || head[1] != 0x8B else {
            throw .trailingBytes(rest, in: source)
        }
        return rest
    }

    private func isMember(at position: Int64) throws(Failure) -> Bool {
        guard file.size - position >= 2 else { return false }
        return try file.bytes(at: position, count: 2) == [0x1F, 0x8B]
    }

    /// In bytes, of the member at `position`.
    private func headerSize(at position: Int64) throws(Failure) -> Int {
        let bytes = try file.bytes(at: position, count: Int(min(file.size - position, Int64(Self.headerLimit))))
        func need(_ count: Int) throws(Failure) {
            guard count > bytes.count else { return }
            guard bytes.count == Self.headerLimit else { throw .truncatedArchive(source.path, "truncated header") }
            throw .damagedArchive(source.path, "a header without an end")
        }
        try need(Self.fixedHeaderSize)
        let flags = bytes[3]
        guard bytes[2] == 8, flags & Flag.reserved == 0 else {
            throw .damagedArchive(source.path, "unknown compression method or flags")
        }
        var size = Self.fixedHeaderSize
        if flags & Flag.extra != 0 {
            try need(size + 2)
            size += 2 + Int(bytes.u16(size))
            try need(size)
        }
        for flag in [Flag.name, Flag.comment] where flags & flag != 0 {
            guard let end = bytes[size...].firstIndex(of: 0) else {
                try need(bytes.count + 1)
                break
            }
            size = end + 1
        }
        if flags & Flag.headerChecksum != 0 {
            try need(size + 2)
            let sum = bytes.withUnsafeBytes {
                ZlibInflater.checksum(0, UnsafeRawBufferPointer(rebasing: $0[..<size]))
            }
            guard bytes.u16(size) == UInt16(truncatingIfNeeded: sum) else {
                throw .damagedArchive(source.path, "wrong CRC-16 of its header")
            }
            size += 2
        }
        return size
    }
}

/// Decoded bytes that nobody needs.
private final class Discarded: DecoderOutput {
    private let buffer = AlignedBuffer(count: 1 << 20)
    func space() -> UnsafeMutableRawBufferPointer { buffer.bytes }
    func advance(by count: Int) {}
}
