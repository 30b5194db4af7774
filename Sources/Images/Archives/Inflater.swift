import CZlib
import Diagnostics

#if canImport(CISAL)
    import CISAL
#endif

/// Inflates raw deflate data (RFC 1951), and has the checksum of gzip and zip.
protocol Inflater: AnyObject {
    init() throws(Failure)
    /// Inflates as much as fits: removes bytes from the front of `input`, fills `output` from its front, and returns
    /// the number of bytes there.
    func step(_ input: inout Slice<UnsafeRawBufferPointer>, _ output: UnsafeMutableRawBufferPointer)
        throws(InflateError) -> Int
    /// Whether the data has ended and all of it has been returned.
    var isFinished: Bool { get }
    /// How many bytes after the end of the data have been removed from the input, perhaps by an earlier step.
    var surplus: Int { get }
    /// CRC-32 as in gzip and zip, continued over `bytes`; `checksum` is that of the bytes before them.
    static func checksum(_ checksum: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32
}

enum InflateError: Error {
    case invalid
    /// The input ended before the data did.
    case cut
}

/// The inflater for zip and gz: ISA-L where Debian has it (amd64, arm64), which is three times as fast as zlib.
#if canImport(CISAL)
    typealias FastestInflater = ISALInflater
#else
    typealias FastestInflater = ZlibInflater
#endif

final class ZlibInflater: Inflater {
    private var stream = z_stream()
    private(set) var isFinished = false
    let surplus = 0

    init() throws(Failure) {
        // Negative: raw deflate data, with the largest window (zlib.h, inflateInit2).
        guard
            inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw Failure(.system, "zlib has no memory") }
    }

    deinit { inflateEnd(&stream) }

    func step(
        _ input: inout Slice<UnsafeRawBufferPointer>, _ output: UnsafeMutableRawBufferPointer
    ) throws(InflateError) -> Int {
        let bytes = UnsafeRawBufferPointer(rebasing: input)
        stream.next_in = UnsafeMutablePointer(mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
        stream.avail_in = UInt32(bytes.count)
        stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.avail_out = UInt32(output.count)
        switch inflate(&stream, Z_NO_FLUSH) {
        // Z_BUF_ERROR: no progress without more input, which is not an error yet.
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END: isFinished = true
        default: throw .invalid
        }
        input = input.dropFirst(bytes.count - Int(stream.avail_in))
        return output.count - Int(stream.avail_out)
    }

    static func checksum(_ checksum: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(
            truncatingIfNeeded: crc32_z(uLong(checksum), bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
    }
}

#if canImport(CISAL)
    final class ISALInflater: Inflater {
        private let stream: OpaquePointer

        init() throws(Failure) {
            guard let stream = cisal_new() else { throw Failure(.system, "isa-l has no memory") }
            self.stream = stream
        }

        deinit { cisal_free(stream) }

        func step(
            _ input: inout Slice<UnsafeRawBufferPointer>, _ output: UnsafeMutableRawBufferPointer
        ) throws(InflateError) -> Int {
            let bytes = UnsafeRawBufferPointer(rebasing: input)
            var unread = UInt32(bytes.count)
            var unused = UInt32(output.count)
            let result = cisal_step(
                stream, bytes.bindMemory(to: UInt8.self).baseAddress, &unread,
                output.bindMemory(to: UInt8.self).baseAddress, &unused)
            guard result >= 0 else { throw .invalid }
            input = input.dropFirst(bytes.count - Int(unread))
            return output.count - Int(unused)
        }

        var isFinished: Bool { cisal_is_finished(stream) != 0 }
        var surplus: Int { Int(cisal_surplus(stream)) }

        static func checksum(_ checksum: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
            crc32_gzip_refl(checksum, bytes.bindMemory(to: UInt8.self).baseAddress, UInt64(bytes.count))
        }
    }
#endif
