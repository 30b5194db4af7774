import Diagnostics
import Provisioning
import Storage
import SystemPackage
import Text

@testable import Images

/// Archives, as images come in them and as cards carry them.
extension FuzzTarget {
    static let archives = [
        archive, zip, xzIndex, gzip, inflate, archiveMembers, debianPackage, savedImage, publishedChecksum,
    ]

    /// A file of any format, from its first bytes to its last: libarchive, liblzma, zlib or ISA-L read it.
    private static let archive = FuzzTarget(
        "archive", mutations: 80, words: ["PK\u{3}\u{4}", "\u{1F}\u{8B}", "BZh9", "7zXZ", "CD001"]
    ) { bytes in
        try unpack(bytes)
    }

    private static let zip = FuzzTarget("zip", mutations: 80, words: ["PK\u{1}\u{2}", "PK\u{3}\u{4}", "PK\u{5}\u{6}"]) {
        bytes in
        guard bytes.starts(with: [0x50, 0x4B, 3, 4]) || bytes.first == 0x50 else { return }
        let file = try ImageFile(adopting: memoryFile(bytes), at: "image.zip")
        if let directory = try answer({ try ZipDirectory(of: file) }) ?? nil {
            for entry in directory.entries { _ = try answer { try directory.deflatedEntry(for: entry) } }
        }
        try unpack(bytes)
    }

    /// With its checksums right.
    private static let xzIndex = FuzzTarget("xz", mutations: 80, words: ["YZ"]) { bytes in
        var bytes = bytes
        guard bytes.count >= 32 else { return }
        bytes.replace(0, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0])
        bytes.replace(bytes.count - 2, [0x59, 0x5A])
        Checksums.repairXZ(&bytes)
        let file = try ImageFile(adopting: memoryFile(bytes), at: "image.xz")
        if let index = try answer({ try XZIndex(of: file) }) ?? nil {
            var end: Int64 = 0
            for block in index.blocks {
                try require(
                    block.packed.lowerBound >= 0 && block.packed.upperBound <= file.size
                        && block.unpacked.lowerBound >= end, "block \(block)")
                end = block.unpacked.upperBound
            }
        }
        try unpack(bytes)
    }

    /// Headers of any kind before members whose data is stored: their checksums are right.
    private static let gzip = FuzzTarget("gzip", mutations: 60) { bytes in
        var input = FuzzInput(bytes)
        var file: [UInt8] = []
        while !input.rest.isEmpty, file.count < 4096 {
            let flags = UInt8(input.byte())
            let header = input.bytes(input.byte() & 0x3F)
            let data = input.bytes(input.byte())
            file += [0x1F, 0x8B, 8, flags, 0, 0, 0, 0, 0, 3] + header
            // RFC 1951, 3.2.4: the last block, stored.
            let count = UInt16(data.count)
            file += [1] + littleEndian(UInt32(count) | UInt32(~count) << 16) + data
            file += littleEndian(Checksums.crc32(data)) + littleEndian(UInt32(data.count))
        }
        try unpack(file)
    }

    /// Deflate data of any kind. Both engines agree.
    private static let inflate = FuzzTarget("inflate", mutations: 40) { bytes in
        let file = try ImageFile(adopting: memoryFile(bytes), at: "data")
        func inflated<Engine: Inflater>(with engine: Engine.Type) throws -> (kept: [UInt8], end: Int64)? {
            let output = KeptBytes()
            let result = try answer {
                try DeflatedData.unpack(0..<file.size, of: file, to: output, with: engine) { _ throws(Failure) in
                    try output.check()
                }
            }
            guard case .success(let data)? = result else { return nil }
            try require(data.checksum == Checksums.crc32(output.kept), "a wrong CRC-32")
            return (output.kept, data.end)
        }
        let one = try inflated(with: ZlibInflater.self)
        let other = try inflated(with: FastestInflater.self)
        try require(one?.kept == other?.kept && one?.end == other?.end, "zlib and ISA-L disagree")
    }

    private static let archiveMembers = FuzzTarget(
        "archive-members", words: ["!<arch>\n", "ustar", "`\n", "manifest.json"]
    ) { bytes in
        _ = try answer {
            let members = try ArchiveMembers.readHere(bytes, name: "x.deb", isCancelled: { false }) { _ in true }
            try require(members.values.reduce(0) { $0 + $1.count } <= 64 << 20, "more than 64 MiB")
        }
    }

    private static let debianPackage = FuzzTarget(
        "debian-package", words: ["Package: ", "Version: ", "Architecture: ", "Depends: ", "Pre-Depends: "]
    ) { bytes in
        _ = try answer { try DebianPackage(control: bytes, file: "x.deb") }
    }

    private static let savedImage = FuzzTarget("saved-image", words: ["Config", "RepoTags", "architecture", "variant"])
    {
        bytes in
        var input = FuzzInput(bytes)
        _ = try answer {
            let manifest = try SavedImage.Manifest(input.part(), file: "x.tar")
            let contents = input.part()
            let files = manifest.configurations.map { ($0, contents) }
            _ = try manifest.images(Dictionary(uniqueKeysWithValues: files)).map(\.platform)
        }
    }

    private static let publishedChecksum = FuzzTarget(
        "published-checksum", words: ["SHA256 (", ") = ", " *", "image.img"]
    ) { bytes in
        let found = PublishedChecksum.digest(
            in: String(decoding: bytes, as: UTF8.self), of: "image.img", isList: bytes.first == 0x20)
        try require(found.map { $0.utf8.count == 64 && $0 == $0.lowercased() } ?? true, "\(found ?? "")")
    }

    private static func unpack(_ bytes: [UInt8]) throws {
        _ = try answer {
            let source = try ImageSource(ImageFile(adopting: memoryFile(bytes), at: "image"))
            let image = try ArchivedImage.find(in: source)
            let output = KeptBytes()
            _ = try Decoding(source: source, image: image, progress: { _ in }, isCancelled: { output.isFull })
                .run(to: output)
            _ = try source.packingHere()
        }
    }

    private static func littleEndian(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}

/// Keeps the first MiB of what is unpacked, and wants no more than 4.
private final class KeptBytes: ImageOutput {
    private let buffer = AlignedBuffer(count: 64 << 10)
    private(set) var kept: [UInt8] = []
    private(set) var count: Int64 = 0

    var head: [UInt8] { Array(kept.prefix(ImageSource.headSize)) }
    var isFull: Bool { count > 4 << 20 }

    func check() throws(Failure) {
        if isFull { throw Failure(.cancelled, "enough") }
    }

    func space() throws(Failure) -> UnsafeMutableRawBufferPointer {
        try check()
        return buffer.bytes
    }

    func advance(by count: Int) {
        if kept.count < 1 << 20 { kept += buffer.bytes[..<count] }
        self.count += Int64(count)
    }
}
