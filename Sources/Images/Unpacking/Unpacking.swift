import Diagnostics
import Storage

/// Unpacks an image into a file.
///
/// The calling thread decodes, a second one writes (``StreamWriter``), and a third one hashes the file
/// (``GrowingFile/digest()``). An .xz of several blocks is decoded by several threads, which also write (``XZBlocks``).
struct Unpacking {
    let decoding: Decoding
    let file: GrowingFile

    private var source: ImageSource { decoding.source }

    /// Unpacks the whole image. The file then has all bytes, but is not complete yet: the caller says so. Returns how many
    /// bytes of the vendor's own follow the image.
    func run() throws(Failure) -> Int64 {
        if case .stream = decoding.image.place, source.format == .xz, let blocks = try XZBlocks(source) {
            try unpack(blocks)
            return 0
        }
        let writer = try StreamWriter(to: file)
        do throws(Failure) {
            let metadata = try decoding.run(to: writer)
            try writer.finish()
            return metadata
        } catch {
            writer.stop()
            throw error
        }
    }

    private func unpack(_ blocks: XZBlocks) throws(Failure) {
        var isChecked = false
        func check() throws(Failure) {
            isChecked = true
            let count = Int(min(file.count, Int64(StreamWriter.headSize)))
            let head = AlignedBuffer(count: count)
            defer { withExtendedLifetime(head) {} }
            try file.read(into: head.bytes, at: 0)
            try Decoding.checkHead(Array(head.bytes.prefix(count)), of: source)
        }
        try blocks.unpack(to: file) { (done) throws(Failure) in
            if decoding.isCancelled() { throw decoding.cancelled }
            if !isChecked, file.count >= StreamWriter.headSize { try check() }
            try decoding.progress(done)
        }
        if !isChecked { try check() }
    }
}
