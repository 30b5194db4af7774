import Diagnostics
import Storage

/// The end of a gzip file (RFC 1952, 2.3.1): CRC-32 and size of what was packed. libarchive reads past it, so it is
/// compared here.
struct GzipTrailer {
    private let source: ImageSource
    private let checksum: UInt32
    /// Modulo 2^32.
    private let size: UInt32

    init(of source: ImageSource) throws(Failure) {
        self.source = source
        let file = try ImageFile(opening: source.path)
        let bytes = try file.bytes(at: max(0, file.size - 8), count: Int(min(8, file.size)))
        func field(_ offset: Int) -> UInt32 {
            bytes.count == 8 ? (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) } : 0
        }
        checksum = field(0)
        size = field(4)
    }

    func check(_ found: UInt32, count: Int64) throws(Failure) {
        guard size == UInt32(truncatingIfNeeded: count), checksum == found else {
            throw Failure(
                .corruptArchive,
                "\(source.path) is damaged, or made of several gzip streams: its checksum is not that of what it unpacks to",
                hint: "download it again; if it really is several streams, unpack it with gunzip first")
        }
    }
}
