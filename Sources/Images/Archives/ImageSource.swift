import Text
package import Diagnostics
import Storage
package import SystemPackage

/// A file with a disk image, compressed or not. Its first bytes decide its format, not its name.
package struct ImageSource: Sendable {
    package enum Format: String, Sendable, Codable {
        case zip, xz, gzip, bzip2, zstd, lz4, tar
        case sevenZip = "7z"
        case raw

        /// Whether it is an archive of several files, of which one is the image.
        var hasEntries: Bool { [.zip, .sevenZip, .tar].contains(self) }
    }

    package var path: FilePath { file.path }
    /// Open, so that what is unpacked is what was examined.
    let file: ImageFile
    package let format: Format
    /// In bytes, of the file as it is.
    package let size: Int64
    /// In bytes, without holes.
    let storedSize: Int64

    /// How many bytes of a file's beginning are examined: up to the identifier of ISO 9660.
    static let headSize = 32774

    /// Examines the file at `path`. Throws if it is not an image, and says what it is.
    package init(_ path: FilePath) throws(Failure) {
        try self.init(ImageFile(opening: path))
    }

    /// Examines an open file.
    init(_ file: ImageFile) throws(Failure) {
        self.file = file
        let path = file.path
        size = file.size
        storedSize = min(file.size, try file.dataRanges().count)
        let head = try file.bytes(at: 0, count: Int(min(file.size, Int64(Self.headSize))))
        guard let format = Self.format(of: head) else {
            throw Failure(
                .notAnImage, "\(path) is not a disk image: \(Self.describe(head))", hint: Self.hint(for: head))
        }
        self.format = format
    }

    /// Whether only zeros are in the file from `offset` on: some programs fill up with them.
    func isZero(from offset: Int64) throws(Failure) -> Bool {
        let buffer = AlignedBuffer(count: 1 << 20)
        defer { withExtendedLifetime(buffer) {} }
        var position = offset
        while position < size {
            let part = UnsafeMutableRawBufferPointer(
                rebasing: buffer.bytes[..<Int(min(Int64(buffer.bytes.count), size - position))])
            try file.read(into: part, at: position)
            guard UnsafeRawBufferPointer(part).isAllZero else { return false }
            position += Int64(part.count)
        }
        return true
    }

    private static func format(of head: [UInt8]) -> Format? {
        packing(of: head) ?? (isDiskStart(head) ? .raw : nil)
    }

    private static func packing(of head: [UInt8]) -> Format? {
        // Signatures: APPNOTE.TXT 4.3.7, the xz format 2.1.1.1, RFC 1952 2.3.1, bzip2's "BZh", 7zFormat.txt "Signature",
        // the LZ4 frame format, POSIX pax (ustar).
        let signatures: [([UInt8], Format)] = [
            ([0x50, 0x4B, 0x03, 0x04], .zip), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], .xz), ([0x1F, 0x8B], .gzip),
            ([0x42, 0x5A, 0x68], .bzip2), ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], .sevenZip),
            ([0x04, 0x22, 0x4D, 0x18], .lz4),
        ]
        if let format = signatures.first(where: { head.starts(with: $0.0) })?.1 { return format }
        if isZstd(head) { return .zstd }
        return isTar(head) ? .tar : nil
    }

    /// RFC 8878, 3.1.1 and 3.1.2: a frame, or skippable frames before one, as pzstd writes them: 5? 2A 4D 18 and the size
    /// of what follows in four bytes.
    private static func isZstd(_ head: [UInt8]) -> Bool {
        var start = 0
        while start + 8 <= head.count {
            if head[start...].starts(with: [0x28, 0xB5, 0x2F, 0xFD]) { return true }
            guard head[start] & 0xF0 == 0x50, head[(start + 1)...].starts(with: [0x2A, 0x4D, 0x18]) else {
                return false
            }
            start += 8 + Int(head.u32(start + 4))
        }
        return false
    }

    /// Whether it begins with the header of a tar archive (POSIX ustar, and GNU's): "ustar" at 257.
    static func isTar(_ head: [UInt8]) -> Bool { head.dropFirst(257).starts(with: Array("ustar".utf8)) }

    /// Whether the first sector ends like that of a partitioned disk, with 55 AA at 510. A CD image can end like this
    /// too, to boot from a USB stick, but it does not boot on a Pi.
    static func isDiskStart(_ head: [UInt8]) -> Bool {
        head.count >= 512 && head[510] == 0x55 && head[511] == 0xAA && !isCDImage(head)
    }

    /// ECMA-119, 8.4.2: "CD001" at byte 1 of sector 16.
    private static func isCDImage(_ head: [UInt8]) -> Bool { head.dropFirst(32769).starts(with: Array("CD001".utf8)) }

    /// What a file that is not an image seems to be, for messages.
    static func describe(_ head: [UInt8]) -> String {
        let text = String(decoding: head.prefix(256), as: UTF8.self).withoutByteOrderMark.lowercased()
        let start = text.drop { $0.isWhitespace }
        if head.isEmpty { return "it is empty" }
        if start.begins(with: "<!doctype") || start.begins(with: "<html") || start.begins(with: "<?xml") {
            return "it is a web page"
        }
        if isCDImage(head) { return "it is a CD image (ISO 9660)" }
        if let packed = packing(of: head) { return "it is compressed twice (\(packed.rawValue))" }
        if head.starts(with: [0x50, 0x4B, 0x05, 0x06]) { return "it is an empty zip archive" }
        if let foreign = foreign(head) { return "it is a \(foreign.name), which piflash cannot unpack" }
        if head.starts(with: Array("QFI".utf8) + [0xFB]) { return "it is a qcow2 image" }
        if head.prefix(512).allSatisfy({ $0 == 0 }) { return "it starts with zeros instead of a partition table" }
        // Text may contain letters that are not ASCII, but no control characters.
        if head.prefix(256).allSatisfy({ [9, 10, 12, 13].contains($0) || ($0 >= 32 && $0 != 127) }),
            !start.dropLast(1).contains("\u{FFFD}")
        {
            return "it is a text file"
        }
        return "it has no partition table, and is not in a format that piflash reads "
            + "(zip, xz, gz, bz2, zst, lz4, 7z, tar, raw)"
    }

    /// What other programs unpack: its name, and the command for it.
    private static func foreign(_ head: [UInt8]) -> (name: String, command: String)? {
        let known: [([UInt8], String, String)] = [
            (Array("Rar!".utf8), "RAR archive", "7z x"), (Array("LZIP".utf8), "lzip file", "lzip -dk"),
            (Array("LRZI".utf8), "lrzip file", "lrunzip"), ([0x89, 0x4C, 0x5A, 0x4F, 0x00], "lzop file", "lzop -dk"),
            ([0x1F, 0x9D], "compress file (.Z)", "uncompress -k"), ([0x5D, 0x00, 0x00], "lzma file", "unlzma -k"),
            (Array("MSCF".utf8), "cabinet archive", "7z x"), (Array("xar!".utf8), "xar archive", "7z x"),
        ]
        return known.first { head.starts(with: $0.0) }.map { ($0.1, $0.2) }
    }

    static func hint(for head: [UInt8]) -> String {
        if let foreign = foreign(head) { return "unpack it with `\(foreign.command)`, and name the unpacked image" }
        return plainHint(for: head)
    }

    private static func plainHint(for head: [UInt8]) -> String {
        describe(head).contains("web page") || head.isEmpty
            ? "the download went wrong: download the image again" : "name the image that the vendor publishes"
    }
}

extension Failure.Code {
    /// The file is not a disk image.
    package static let notAnImage = Failure.Code("images.not-an-image")
    /// The archive is truncated.
    package static let truncatedArchive = Failure.Code("images.truncated")
    /// The archive's contents do not match its checksums.
    package static let corruptArchive = Failure.Code("images.corrupt")
    package static let encryptedArchive = Failure.Code("images.encrypted")
    /// The archive is sound, and needs a method or an amount of memory that is not available here.
    package static let unsupportedArchive = Failure.Code("images.unsupported")
    /// The archive contains no disk image, or several.
    package static let ambiguousArchive = Failure.Code("images.ambiguous")
    /// The checksum is not the one in the recipe.
    package static let wrongChecksum = Failure.Code("images.wrong-checksum")
    /// An unpacked image has changed in the cache.
    package static let corruptCache = Failure.Code("images.corrupt-cache")
    /// The cache's file system is full.
    package static let cacheFull = Failure.Code("images.cache-full")
}
