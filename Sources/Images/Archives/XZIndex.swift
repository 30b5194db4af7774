import CLZMA
import Diagnostics
import Storage

/// The blocks of an .xz file, from the indexes at the ends of its streams (The .xz File Format 1.1.0, 4). Each block
/// can be decoded without the others.
struct XZIndex {
    struct Block: Sendable {
        /// In the file: header, data, padding and check.
        let packed: Range<Int64>
        /// In bytes, without padding, as in the index.
        let unpaddedSize: UInt64
        /// In the unpacked file.
        let unpacked: Range<Int64>
        /// The stream's type of check: an lzma_check.
        let check: UInt32
    }

    /// In bytes of memory: for some 100,000 blocks.
    private static let memoryLimit: UInt64 = 4 << 20

    let blocks: [Block]

    /// Nil if there is no complete index at the end, as in a file that is truncated or followed by other bytes, or if
    /// the index is too large.
    init?(of file: ImageFile) throws(Failure) {
        // The same as LZMA_STREAM_INIT: only zeros.
        var stream = lzma_stream()
        defer { lzma_end(&stream) }
        var index: OpaquePointer?
        guard lzma_file_info_decoder(&stream, &index, Self.memoryLimit, UInt64(file.size)) == LZMA_OK else {
            return nil
        }
        let buffer = AlignedBuffer(count: 64 << 10)
        defer { withExtendedLifetime(buffer) {} }
        var position: Int64 = 0
        decoding: while true {
            if stream.avail_in == 0 {
                let chunk = UnsafeMutableRawBufferPointer(
                    rebasing: buffer.bytes[..<Int(min(Int64(buffer.bytes.count), file.size - position))])
                try file.read(into: chunk, at: position)
                position += Int64(chunk.count)
                stream.next_in = UnsafePointer(chunk.bindMemory(to: UInt8.self).baseAddress)
                stream.avail_in = chunk.count
            }
            switch lzma_code(&stream, LZMA_RUN) {
            case LZMA_OK: break
            case LZMA_STREAM_END: break decoding
            case LZMA_SEEK_NEEDED:
                // It asks only for places inside the file (index.h, lzma_file_info_decoder).
                position = Int64(stream.seek_pos)
                stream.avail_in = 0
            default: return nil
            }
        }
        guard let index else { return nil }
        defer { lzma_index_end(index, nil) }
        var blocks: [Block] = []
        blocks.reserveCapacity(Int(lzma_index_block_count(index)))
        var place = lzma_index_iter()
        lzma_index_iter_init(&place, index)
        while lzma_index_iter_next(&place, LZMA_INDEX_ITER_NONEMPTY_BLOCK) == 0 {
            let packed = Int64(place.block.compressed_file_offset)
            let unpacked = Int64(place.block.uncompressed_file_offset)
            let check = place.stream.flags.pointee.check
            guard lzma_check_is_supported(check) != 0 else { return nil }
            blocks.append(
                Block(
                    packed: packed..<(packed + Int64(place.block.total_size)), unpaddedSize: place.block.unpadded_size,
                    unpacked: unpacked..<(unpacked + Int64(place.block.uncompressed_size)), check: check.rawValue))
        }
        self.blocks = blocks
    }

    /// In bytes.
    var unpackedSize: Int64 { blocks.last?.unpacked.upperBound ?? 0 }
}
