import CLZMA
import Diagnostics
import Storage
import SystemPackage

/// Decodes single blocks of an .xz file, one at a time. For one thread only.
final class XZBlockDecoder {
    private static let inputSize = 128 << 10
    private static let outputSize = 512 << 10
    /// In bytes: the memory of one decoder's buffers.
    static let buffers = UInt64(inputSize + outputSize)

    /// LZMA_VLI_UNKNOWN (vli.h), a macro that Swift does not import.
    private static let unknown = UInt64.max

    private let path: FilePath
    private let file: ImageFile
    private let input = AlignedBuffer(count: inputSize)
    private let output = AlignedBuffer(count: outputSize)
    // The same as LZMA_STREAM_INIT: only zeros.
    private var stream = lzma_stream()
    /// At fixed addresses, since the decoder keeps them between calls.
    private let block = UnsafeMutablePointer<lzma_block>.allocate(capacity: 1)
    private let filters = UnsafeMutablePointer<lzma_filter>.allocate(capacity: Int(LZMA_FILTERS_MAX) + 1)

    init(_ file: ImageFile) {
        path = file.path
        self.file = file
        block.initialize(to: lzma_block())
        filters.initialize(repeating: lzma_filter(id: Self.unknown, options: nil), count: Int(LZMA_FILTERS_MAX) + 1)
    }

    deinit {
        lzma_end(&stream)
        lzma_filters_free(filters, nil)
        filters.deallocate()
        block.deallocate()
    }

    /// Reads the header of `next`, and returns how many bytes of memory its filters need.
    func prepare(_ next: XZIndex.Block) throws(Failure) -> UInt64 {
        let start = next.packed.lowerBound
        // The first byte is the header's size in words, less one (3.1.1); 0 would be an index.
        let size = try file.bytes(at: start, count: 1)[0]
        let length = (Int(size) + 1) * 4
        guard size > 0, length < next.packed.count else { throw .damagedArchive(path, "a block without a header") }
        let header = try file.bytes(at: start, count: length)
        lzma_filters_free(filters, nil)
        block.pointee = lzma_block()
        // Version 1 has `ignore_check`, which stays off (block.h).
        block.pointee.version = 1
        block.pointee.check = lzma_check(rawValue: next.check)
        block.pointee.header_size = UInt32(length)
        block.pointee.filters = filters
        guard lzma_block_header_decode(block, nil, header) == LZMA_OK,
            lzma_block_compressed_size(block, next.unpaddedSize) == LZMA_OK,
            [Self.unknown, UInt64(next.unpacked.count)].contains(block.pointee.uncompressed_size)
        else { throw .damagedArchive(path, "a block's header contradicts the index") }
        block.pointee.uncompressed_size = UInt64(next.unpacked.count)
        let need = lzma_raw_decoder_memusage(filters)
        guard need != .max else { throw .damagedArchive(path, "a block has unknown filters") }
        return need
    }

    /// Frees the memory of earlier blocks, which is otherwise reused.
    func forget() { lzma_end(&stream) }

    /// Decodes the prepared block, and calls `body` with its bytes and their offset in it.
    func decode(
        _ next: XZIndex.Block, _ body: (UnsafeRawBufferPointer, Int64) throws(Failure) -> Void
    ) throws(Failure) {
        guard lzma_block_decoder(&stream, block) == LZMA_OK else {
            throw .damagedArchive(path, "a block cannot be decoded")
        }
        stream.avail_in = 0
        var position = next.packed.lowerBound + Int64(block.pointee.header_size)
        var done: Int64 = 0
        var code = LZMA_OK
        while code == LZMA_OK {
            stream.next_out = output.bytes.bindMemory(to: UInt8.self).baseAddress
            stream.avail_out = Self.outputSize
            while code == LZMA_OK, stream.avail_out > 0 {
                if stream.avail_in == 0 { try refill(&position, upTo: next.packed.upperBound) }
                // Without input it returns LZMA_BUF_ERROR at the second call (base.h).
                code = lzma_code(&stream, LZMA_RUN)
            }
            let produced = Self.outputSize - stream.avail_out
            guard produced > 0 else { continue }
            try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output.bytes)[..<produced]), done)
            done += Int64(produced)
        }
        // The decoder itself compares sizes and check with the header and the index.
        switch code {
        case LZMA_STREAM_END: return
        case LZMA_MEM_ERROR: throw Failure(.system, "liblzma has no memory")
        case LZMA_BUF_ERROR: throw .damagedArchive(path, "a block ends early")
        default: throw .damagedArchive(path, "invalid data in a block")
        }
    }

    private func refill(_ position: inout Int64, upTo end: Int64) throws(Failure) {
        let count = Int(min(Int64(Self.inputSize), end - position))
        let chunk = UnsafeMutableRawBufferPointer(rebasing: input.bytes[..<count])
        try file.read(into: chunk, at: position)
        position += Int64(count)
        stream.next_in = UnsafePointer(chunk.bindMemory(to: UInt8.self).baseAddress)
        stream.avail_in = count
    }
}
